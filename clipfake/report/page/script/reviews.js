// What a reviewer decides: beside the verdict, never in its place; kept in the browser, exported as a file.

const FORMULA = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;

class Reviews {
  constructor(model) {
    this.model = model;
    this.key = `clipfake:reviews:${model.meta.key}`;
    this.held = new Map();
    this.lasting = true;
    try {
      for (const [id, review] of Object.entries(JSON.parse(kept.get(this.key) ?? "{}"))) {
        if (DECISIONS.includes(review?.decision)) this.held.set(id, review);
      }
    } catch { /* what another page left under the name */ }
  }

  id(row) { return this.model.columns.id[row] || `path:${this.model.path(row)}`; }

  // The decision on a row: the one made here, else the one that the report came with.
  of(row) {
    const held = this.held.get(this.id(row));
    if (held) return held.decision ? held : null;
    const given = this.model.meta.decisions[this.model.columns.review[row]];
    return given ? { decision: given, given: true } : null;
  }

  // Decide, or take the decision back when it is the same one; the note stays.
  decide(row, decision, details) {
    const before = this.held.get(this.id(row));
    if (before?.decision === decision) this.held.delete(this.id(row));
    else this.put(row, { ...before, decision }, details);
    this.save();
  }

  note(row, note, details) {
    const before = this.held.get(this.id(row));
    this.put(row, { ...before, decision: before?.decision ?? "unsure", note }, details);
    this.save();
  }

  put(row, review, details) {
    this.held.set(this.id(row), {
      note: "", ...review,
      path: details.path ?? details.name, sha256: details.sha256 ?? "",
      verdict: this.model.state(row), score: this.model.score(row),
      who: element("reviewer").value.trim(), when: new Date().toISOString().slice(0, 19) + "Z",
    });
  }

  save() { this.lasting = kept.set(this.key, JSON.stringify(Object.fromEntries(this.held))); }

  all() { return [...this.held.values()]; }

  csv() {
    const names = ["path", "sha256", "decision", "note", "who", "when", "verdict", "score"];
    const cell = (value) => {
      let text = value === null || value === undefined ? "" : String(value);
      if (typeof value === "string" && FORMULA.test(text)) text = `'${text}`;
      return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    };
    const lines = this.all().map((review) => names.map((name) => cell(review[name])).join(","));
    return "\ufeff" + [names.join(","), ...lines].map((line) => line + "\r\n").join("");
  }

  json() { return JSON.stringify({ clipfake_reviews: 1, report: this.model.meta.key, reviews: this.all() }, null, 1) + "\n"; }
}

const DECISIONS = ["confirmed", "cleared", "unsure"];
const MARKS = { y: "confirmed", n: "cleared", u: "unsure" };

function download(name, type, text) {
  const link = make("a", { href: URL.createObjectURL(new Blob([text], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
