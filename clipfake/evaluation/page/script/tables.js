// Tables that sort: a header is a button, and numbers sort as numbers. What has no value comes last.

const words = new Intl.Collator("en", { numeric: true });

class Sorted {
  constructor(box) {
    this.heads = [...box.querySelectorAll("thead tr")];
    this.order = box.querySelector(".order");
    const [first, last, between] = ["tbody:not(.last):not(.between)", "tbody.last", "tbody.between"].map((name) => box.querySelector(name));
    // in the order of the rows: those between the ends lie in a table of their own
    this.bodies = [first, between, last].filter(Boolean).map((body) => ({ body, size: body.rows.length }));
    for (const head of this.heads) {
      [...head.cells].forEach((cell, column) => {
        const button = make("button", { type: "button", class: "sort", onclick: () => this.sort(column) }, cell.textContent);
        cell.replaceChildren(button);
      });
    }
  }

  value(row, column) {
    const cell = row.cells[column];
    if (column === 0) return cell.textContent;
    return cell.dataset.value === "" ? null : Number(cell.dataset.value);
  }

  sort(column) {
    const rising = this.heads[0].cells[column].getAttribute("aria-sort") !== "ascending";
    const rows = this.bodies.flatMap(({ body }) => [...body.rows]).map((row) => ({ row, value: this.value(row, column) }));
    rows.sort((a, b) => {
      if (a.value === null || b.value === null) return (a.value === null) - (b.value === null);
      const difference = column === 0 ? words.compare(a.value, b.value) : a.value - b.value;
      return rising ? difference : -difference;
    });
    let start = 0;
    for (const { body, size } of this.bodies) {
      body.replaceChildren(...rows.slice(start, start + size).map(({ row }) => row));
      start += size;
    }
    for (const head of this.heads) {
      [...head.cells].forEach((cell, place) => {
        if (place === column) cell.setAttribute("aria-sort", rising ? "ascending" : "descending");
        else cell.removeAttribute("aria-sort");
      });
    }
    this.tell(this.heads[0].cells[column].textContent, column, rising);
  }

  tell(name, column, rising) {
    const way = column === 0 ? (rising ? "from A to Z" : "from Z to A") : rising ? "lowest first" : "highest first";
    const [first, between, last] = this.bodies.map(({ size }) => thousands(size));
    const folded = last ? `; the first ${first} and the last ${last}, the ${between} between them are folded below` : "";
    this.order.textContent = `By ${name}, ${way}${folded}.`;
  }
}

document.querySelectorAll(".table").forEach((box) => new Sorted(box));
document.documentElement.dataset.ready = "yes";
