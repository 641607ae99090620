// What reviewers decide: beside the verdict, never in its place; kept in the browser, exported as a file.

const DECISIONS = ["confirmed", "cleared", "unsure"];
const MARKS = { y: "confirmed", n: "cleared", u: "unsure" };
const FORMULA = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;

class Reviews {
  constructor(model) {
    this.model = model;
    this.key = `clipfake:reviews:${model.meta.key}`;
    this.held = new Map(); // of each image a review a reviewer
    this.lasting = true;
    try {
      for (const [id, kept_] of Object.entries(JSON.parse(kept.get(this.key) ?? "{}"))) {
        const list = [kept_].flat().filter((review) => DECISIONS.includes(review?.decision));
        if (list.length) this.held.set(id, list);
      }
    } catch { /* what another page left under the name */ }
  }

  get reviewer() { return element("reviewer").value.trim(); }

  id(row) { return this.model.columns.id[row] || `path:${this.model.path(row)}`; }

  // All reviews of a row that are kept here, the latest last.
  list(row) { return this.held.get(this.id(row)) ?? []; }

  // That of the present reviewer, who may have been without a name before.
  own(row) { return this.list(row).find((review) => review.who === this.reviewer) ?? this.list(row).find((review) => !review.who) ?? null; }

  // The decision on a row: the latest one that is kept here, else the one that the report came with.
  of(row) {
    const latest = this.list(row).at(-1);
    if (latest) return latest;
    const given = this.model.meta.decisions[this.model.columns.review[row]];
    return given ? { decision: given, given: true } : null;
  }

  // Whether reviewers differ about a row.
  differ(row) { return new Set(this.list(row).map((review) => review.decision)).size > 1; }

  // Decide, or take the decision back when it is the same one; what has a note stays, as unsure.
  decide(row, decision, details) {
    const before = this.own(row), back = before?.decision === decision;
    if (back && !before.note) this.replace(this.id(row), before, null);
    else this.put(row, { ...before, decision: back ? "unsure" : decision }, details);
    this.save();
  }

  note(row, note, details) {
    const before = this.own(row);
    this.put(row, { ...before, decision: before?.decision ?? "unsure", note }, details);
    this.save();
  }

  put(row, review, details) {
    this.replace(this.id(row), this.own(row), {
      note: "", ...review,
      path: details.path ?? details.name, sha256: details.sha256 ?? "",
      verdict: this.model.state(row), score: this.model.score(row),
      who: this.reviewer, when: new Date().toISOString().slice(0, 19) + "Z",
    });
  }

  // A review in the place of another; either may be none.
  replace(id, before, review) {
    const list = (this.held.get(id) ?? []).filter((each) => each !== before);
    if (review) list.push(review);
    list.sort((a, b) => moment(a) - moment(b));
    if (list.length) this.held.set(id, list);
    else this.held.delete(id);
  }

  // Take reviews of a file. Of one reviewer the later holds; what is of images that are not here is kept too.
  merge(incoming) {
    const rows = new Map(), found = { added: 0, newer: 0, same: 0, older: 0, elsewhere: 0, conflicts: [] };
    for (let row = this.model.rows - 1; row >= 0; row--) {
      rows.set(this.model.columns.id[row], row);
      rows.set(`path:${slashed(this.model.path(row))}`, row);
    }
    const touched = new Map();
    for (const review of incoming) {
      const row = rows.get(review.sha256 ? review.sha256.slice(0, 16) : `path:${slashed(fit(review.path))}`);
      const id = row !== undefined ? this.id(row) : review.sha256 ? review.sha256.slice(0, 16) : `path:${review.path}`;
      const before = (this.held.get(id) ?? []).find((each) => each.who === review.who) ?? null;
      const own = row === undefined ? {} : { verdict: this.model.state(row), score: this.model.score(row) };
      const same = before && ["decision", "note", "when"].every((name) => before[name] === review[name]);
      if (row === undefined) found.elsewhere++;
      touched.set(id, this.named(row, review));
      if (before && !same && before.decision !== review.decision) found.conflicts.push(parted(this.named(row, review), [before, review]));
      if (same) found.same++;
      else if (before && moment(review) <= moment(before)) found.older++;
      else {
        found[before ? "newer" : "added"]++;
        this.replace(id, before, { verdict: "", score: null, ...review, ...own });
      }
    }
    for (const [id, name] of touched) {
      const list = this.held.get(id);
      if (new Set(list.map((review) => review.decision)).size > 1) found.conflicts.push(parted(name, list));
    }
    this.save();
    return found;
  }

  // What an image is called here, else in the review.
  named(row, review) { return row === undefined ? review.path || review.sha256 : this.model.path(row); }

  save() { this.lasting = kept.set(this.key, JSON.stringify(Object.fromEntries(this.held))); }

  all() { return [...this.held.values()].flat(); }

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

// When a review was made; one that does not say it rightly is older than all others.
const moment = (review) => Date.parse(review.when) || 0;

const slashed = (path) => path.replaceAll("\\", "/");

// Who said what of an image, in a line.
function parted(name, list) {
  const said = list.map((each) => `${each.who || "a reviewer"} ${each.decision}${each.when ? ` at ${each.when}` : ""}`);
  return fit(`${name}: ${said.join(", ")}`);
}

function download(name, type, text) {
  const link = make("a", { href: URL.createObjectURL(new Blob([text], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
