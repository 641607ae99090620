// The data of a page: all in the page itself, with the pictures of the plain table.

const data = JSON.parse(element("data").textContent);

const source = {
  meta: data.meta,
  async load(model) {
    data.columns.forEach((part) => model.add(part));
    model.group(data.copies);
  },
  async details(row) { return data.details[row]; },
  picture(row) { return printed(row)?.querySelector("img")?.src; },
  large(row) { return data.large[row]; },
  heat(row) { return data.heat[row]; },
};

// The row of the plain table that prints an image.
function printed(row) { return element("plain").tBodiesRows?.[row]; }
