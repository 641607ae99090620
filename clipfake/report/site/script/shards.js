// The data of a site: columns at the start, details when an image is opened, pictures when it is seen.

const site = { meta: JSON.parse(element("data").textContent).meta, details: new Map(), waiting: new Map() };
site.large = new Set(site.meta.large);
site.heat = new Set(site.meta.heat);

function place(row, kind) {
  const folder = String(Math.floor(row / site.meta.pictures)).padStart(3, "0");
  return `pictures/${folder}/${String(row).padStart(6, "0")}${kind}.webp`;
}

// What the scripts of the data call.
window.clipfake = {
  columns: (part) => site.model.add(part),
  copies: (groups) => site.model.group(groups),
  details: (number, entries) => site.details.set(number, entries),
};

function fetched(name) {
  return new Promise((resolve, reject) => {
    const script = make("script", { src: `data/${name}.js`, onload: resolve, onerror: () => reject(new Error(`data/${name}.js is not there`)) });
    document.head.append(script);
  });
}

const source = {
  meta: site.meta,
  partial: true,
  async load(model) {
    site.model = model;
    for (let part = 0; part < site.meta.parts; part++) await fetched(`columns-${part}`);
    await fetched("copies");
  },
  async details(row) {
    const number = Math.floor(row / site.meta.details);
    if (!site.details.has(number)) {
      if (!site.waiting.has(number)) site.waiting.set(number, fetched(`details-${number}`));
      await site.waiting.get(number);
    }
    return site.details.get(number)[row % site.meta.details];
  },
  picture(row) { return site.model.columns.pictured[row] ? place(row, "") : undefined; },
  large(row) { return site.large.has(row) ? place(row, ".large") : undefined; },
  heat(row) { return site.heat.has(row) ? place(row, ".heat") : undefined; },
};
