// All images by a few short values each: what is shown, and in which order.

const SHARED = ["folder", "camera", "code", "generator", "family"];
const NONE = { verdict: [], basis: "", declared: "", folder: "", camera: "", error: "", family: "", origin: "", review: "", text: "", sort: "high" };

class Model {
  constructor(meta) {
    this.meta = meta;
    this.rows = 0;
    this.columns = {};
    this.texts = Object.fromEntries(SHARED.map((name) => [name, []]));
    this.copies = [];
    this.members = new Map();
    this.lower = [];
  }

  // A part of the columns; parts come in order.
  add(part) {
    const { start, texts, ...columns } = part;
    if (start !== this.rows) throw new Error("parts of the data come out of order");
    for (const name of SHARED) this.texts[name].push(...texts[name]);
    for (const [name, values] of Object.entries(columns)) {
      const held = (this.columns[name] ??= []);
      for (const value of values) held.push(value);
    }
    this.rows = this.columns.name.length;
  }

  // Number of each row's group of copies, or -1.
  group(copies) {
    this.copies = copies;
    copies.forEach((group, row) => {
      if (group < 0) return;
      if (!this.members.has(group)) this.members.set(group, []);
      this.members.get(group).push(row);
    });
  }

  state(row) { return this.meta.states[this.columns.state[row]]; }
  basis(row) { return this.meta.bases[this.columns.basis[row]]; }
  declared(row) { return this.meta.declared[this.columns.declared[row]]; }
  origin(row) { return this.meta.origins[this.columns.origin[row]]; }
  text(column, row) { return this.texts[column][this.columns[column][row]]; }
  score(row) { return this.columns.score[row] < 0 ? null : this.columns.score[row] / this.meta.scale; }
  path(row) {
    const folder = this.text("folder", row);
    return folder === "." ? this.columns.name[row] : `${folder}/${this.columns.name[row]}`;
  }

  // Rows that show one picture with this one, itself among them.
  copiesOf(row) {
    const group = this.copies[row] ?? -1;
    return group < 0 ? [row] : this.members.get(group);
  }

  differ(rows) { return new Set(rows.map((row) => this.columns.state[row])).size > 1; }

  // What a search looks through.
  searched(row) {
    return (this.lower[row] ??= `${this.path(row)} ${this.text("camera", row)} ${this.text("code", row)} ${this.text("generator", row)} ${this.text("family", row)}`.toLowerCase());
  }

  // Rows that pass all filters, in order; of copies the first, which stands for all.
  select(wanted, reviews) {
    const { states, bases, declared } = this.meta, columns = this.columns, found = [];
    const place = (names, name) => (name ? names.indexOf(name) : -1);
    const verdicts = new Set(wanted.verdict.map((name) => states.indexOf(name)));
    const basis = place(bases, wanted.basis), claim = place(declared, wanted.declared);
    const folder = place(this.texts.folder, wanted.folder), camera = place(this.texts.camera, wanted.camera);
    const code = place(this.texts.code, wanted.error), text = wanted.text.trim().toLowerCase();
    const family = place(this.texts.family, wanted.family), origin = place(this.meta.origins, wanted.origin);
    for (let row = 0; row < this.rows; row++) {
      if (verdicts.size && !verdicts.has(columns.state[row])) continue;
      if (wanted.basis && columns.basis[row] !== basis) continue;
      if (wanted.declared && columns.declared[row] !== claim) continue;
      if (wanted.folder && columns.folder[row] !== folder) continue;
      if (wanted.camera && columns.camera[row] !== camera) continue;
      if (wanted.error && columns.code[row] !== code) continue;
      if (wanted.family && columns.family[row] !== family) continue;
      if (wanted.origin && columns.origin[row] !== origin) continue;
      if (text && !this.searched(row).includes(text)) continue;
      if (wanted.review && (reviews.of(row)?.decision ?? "none") !== wanted.review) continue;
      found.push(row);
    }
    const score = columns.score;
    if (wanted.sort === "high") found.sort((a, b) => score[b] - score[a] || a - b);
    else if (wanted.sort === "low") found.sort((a, b) => (score[a] < 0) - (score[b] < 0) || score[a] - score[b] || a - b);
    else if (wanted.sort === "name") {
      const { compare } = new Intl.Collator("en", { numeric: true });
      found.sort((a, b) => compare(this.columns.name[a], this.columns.name[b]) || a - b);
    }
    const seen = new Set();
    const cards = found.filter((row) => {
      const group = this.copies[row] ?? -1;
      if (group < 0) return true;
      if (seen.has(group)) return false;
      seen.add(group);
      return true;
    });
    return { cards, rows: found };
  }
}
