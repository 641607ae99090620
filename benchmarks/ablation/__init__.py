"""What each part of the method brings, measured on generators that were never trained on.

python -m benchmarks.ablation MANIFEST --work FOLDER --out results.csv
"""
