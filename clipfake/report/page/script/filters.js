// The filters: chips, lists and a search, which combine.

class Filters {
  constructor(model, changed) {
    this.model = model;
    this.form = element("filters");
    this.form.addEventListener("submit", (event) => event.preventDefault());
    const { states, bases, declared } = model.meta;
    this.chips = states.filter((_, state) => model.columns.state.includes(state)).map((name) => make("button", {
      type: "button", class: "chip", "data-state": name, "aria-pressed": "false",
      onclick: (event) => {
        const pressed = event.currentTarget.getAttribute("aria-pressed") !== "true";
        event.currentTarget.setAttribute("aria-pressed", String(pressed));
        changed();
      },
    }, name));
    this.lists = {
      basis: this.list("Basis", bases.slice(1), changed),
      declared: this.list("Declared", declared.slice(1), changed),
      folder: this.counted("Folder", "folder", changed),
      camera: this.counted("Camera", "camera", changed),
      family: this.counted("Generator family", "family", changed),
      origin: this.list("Basis of generator", model.meta.origins.filter((name, origin) => name && model.columns.origin?.includes(origin)), changed),
      error: this.counted("Error", "code", changed),
      review: this.list("Review", ["none", "confirmed", "cleared", "unsure"], changed),
      sort: this.list("Order", null, changed),
    };
    this.search = make("input", { type: "search", placeholder: "name, folder, camera", autocomplete: "off", oninput: changed });
    this.clear = make("button", { type: "button", onclick: () => { this.set({ ...NONE }); changed(); } }, "Clear");
    this.form.append(
      make("fieldset", {}, make("legend", {}, "Verdict"), make("div", { class: "chips" }, ...this.chips)),
      ...Object.values(this.lists).filter((list) => list.options.length > 1).map((list) => list.parentNode),
      make("label", { class: "search" }, "Search", this.search), this.clear);
  }

  list(title, names, changed) {
    const options = names === null
      ? [["high", "highest score"], ["low", "lowest score"], ["name", "name"], ["scan", "as scanned"]]
      : [["", "any"], ...names.map((name) => [name, name])];
    const made = make("select", { onchange: changed }, ...options.map(([value, text]) => make("option", { value }, text)));
    make("label", {}, title, made);
    return made;
  }

  // What rows have of a column, with numbers, the most frequent first.
  counted(title, column, changed) {
    const counts = new Map();
    for (const number of this.model.columns[column]) counts.set(number, (counts.get(number) ?? 0) + 1);
    const named = [...counts].map(([number, count]) => [this.model.texts[column][number], count]).filter(([name]) => name);
    named.sort(([a, first], [b, second]) => second - first || (a < b ? -1 : 1));
    const made = make("select", { onchange: changed }, make("option", { value: "" }, "any"),
      ...named.slice(0, 1000).map(([value, count]) => make("option", { value }, `${value} (${thousands(count)})`)));
    if (named.length < 2 && !["code", "family"].includes(column)) made.replaceChildren();
    make("label", {}, title, made);
    return made;
  }

  get() {
    const wanted = { ...NONE, text: this.search.value };
    wanted.verdict = this.chips.filter((chip) => chip.getAttribute("aria-pressed") === "true").map((chip) => chip.dataset.state);
    for (const [name, list] of Object.entries(this.lists)) wanted[name] = list.value;
    return wanted;
  }

  set(wanted) {
    for (const chip of this.chips) chip.setAttribute("aria-pressed", String(wanted.verdict.includes(chip.dataset.state)));
    for (const [name, list] of Object.entries(this.lists)) {
      list.value = wanted[name];
      if (list.selectedIndex < 0) list.value = NONE[name];
    }
    this.search.value = wanted.text;
  }

  get active() {
    return Object.entries(this.get()).some(([name, value]) => name !== "sort" && value.length > 0);
  }
}
