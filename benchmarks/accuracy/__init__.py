"""The default detector beside other recipes and another package, by one ruler.

python -m benchmarks.accuracy MANIFEST --work FOLDER --out results.csv
"""
