// One image, in a dialog: picture, verdict in words, review, facts, file.

class Detail {
  constructor(model, source, reviews, changed) {
    Object.assign(this, { model, source, reviews, changed, row: null, cards: [], hot: false, shown: false });
    this.dialog = element("detail");
    this.dialog.tabIndex = -1;
    // said late, perhaps of an image before this one; browsers may close a dialog by themselves
    this.dialog.addEventListener("close", () => { if (this.shown && !this.dialog.open) this.close(); });
    // a browser's own way to close, by Escape wherever the focus is: at once, as by the button
    this.dialog.addEventListener("cancel", (event) => { event.preventDefault(); this.close(); });
    this.dialog.addEventListener("click", (event) => { if (event.target === this.dialog) this.close(); });
    this.dialog.addEventListener("keydown", (event) => this.keys(event));
  }

  async open(row, cards = this.cards) {
    this.row = row;
    this.cards = cards;
    if (!this.dialog.open) this.shown = false;
    const details = await this.source.details(row);
    if (this.row !== row) return;
    this.details = details;
    this.draw();
    if (!this.dialog.open) {
      this.dialog.showModal();
      this.shown = true;
      this.dialog.focus();
    }
    this.dialog.scrollTop = 0;
    this.changed(false);
  }

  // An image was asked for whose details have not come yet.
  get waiting() { return this.row !== null && !this.dialog.open; }

  // A note that is being written is kept as the dialog goes.
  close() {
    this.dialog.close();
    this.row = null;
    this.shown = false;
    this.changed(true);
  }

  // Next and previous keep the button in focus by which they were asked for.
  step(by) {
    const next = this.cards[this.cards.indexOf(this.row) + by];
    if (next !== undefined && this.cards.includes(this.row)) this.open(next);
  }

  keys(event) {
    if (event.key === "Escape") { event.preventDefault(); return this.close(); }
    if (event.target.matches("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "ArrowRight") this.step(1);
    else if (event.key === "ArrowLeft") this.step(-1);
    else if (MARKS[event.key]) this.decide(MARKS[event.key]);
    else if (event.key === "h" && this.source.heat(this.row) !== undefined) this.heat(!this.hot);
    else return;
    event.preventDefault();
  }

  decide(decision) {
    this.reviews.decide(this.row, decision, this.details);
    this.reviewed();
  }

  reviewed() {
    this.tell();
    this.changed(false);
  }

  draw() {
    const { model, row, details } = this;
    const place = this.cards.indexOf(row);
    const focused = document.activeElement?.dataset?.keep;
    this.dialog.replaceChildren(
      make("div", { class: "top" },
        make("h2", { id: "detail-title" }, make("bdi", {}, model.columns.name[row])),
        make("span", { class: "muted" }, place < 0 ? "" : `${thousands(place + 1)} of ${thousands(this.cards.length)}`),
        make("button", { type: "button", onclick: () => this.step(-1), "data-keep": "previous", "aria-label": "Previous image" }, "\u2190"),
        make("button", { type: "button", onclick: () => this.step(1), "data-keep": "next", "aria-label": "Next image" }, "\u2192"),
        make("button", { type: "button", onclick: () => this.close(), "data-keep": "close" }, "Close"),
      ),
      make("div", { class: "body" },
        make("div", {}, this.picture(), this.copies()),
        make("div", {}, this.verdict(), this.generator(), this.review(), this.facts(), this.exif(), this.file(), this.extra()),
      ),
    );
    if (focused) this.dialog.querySelector(`[data-keep="${focused}"]`)?.focus();
    // what had the focus may be gone; keys are for the dialog all the same
    if (this.dialog.open && !this.dialog.contains(document.activeElement)) this.dialog.focus();
  }

  // The larger picture where there is one; the heat map in its place, while it is asked for.
  picture() {
    const { model, row, source } = this, name = model.columns.name[row];
    const small = source.picture(row), large = source.large(row), heat = source.heat(row);
    const hot = this.hot && heat !== undefined, address = hot ? heat : large ?? small;
    const words = hot ? `Heat map of ${name}` : large ? `Picture of ${name}` : `Thumbnail of ${name}`;
    const frame = make("div", { class: hot || large ? "picture" : "picture small" },
      address ? make("img", { src: address, alt: words }) : "no picture at hand");
    if (heat === undefined) return frame;
    const chip = (text, wanted) => make("button", { type: "button", class: "chip", "aria-pressed": String(hot === wanted),
      "data-keep": wanted ? "heat" : "picture", onclick: () => this.heat(wanted) }, text);
    return make("div", {}, frame, make("div", { class: "row views" }, chip("Picture", false), chip("Heat map (h)", true)),
      make("p", { class: "muted" }, hot ? "Red speaks for AI, blue for real; what the detector does not see is dimmed. " : "", model.meta.caveat));
  }

  heat(wanted) {
    this.hot = wanted;
    this.draw();
  }

  verdict() {
    const { model, row, details } = this, score = model.score(row), state = model.state(row);
    return make("section", { class: "verdict-part" },
      make("p", { class: "big" }, make("span", { class: `verdict ${state}` }, state),
        score === null ? null : ` ${(details.score ?? score).toFixed(3)}`,
        details.basis ? make("span", { class: "muted" }, ` by ${details.basis}`) : null),
      make("p", {}, details.explanation ?? details.error ?? ""),
      score === null ? null : this.standing(score),
      ...(details.words ?? []).map((words) => make("p", { class: "muted" }, words)),
    );
  }

  // Every source that names a generator, the most trusted first.
  generator() {
    const { sources = [], disagree } = this.details;
    if (!sources.length) return null;
    const line = (each) => make("li", {}, make("b", {}, make("bdi", {}, each.generator)), each.version ? ` ${each.version}` : "", `, ${each.basis}`,
      make("span", { class: "muted" }, [each.family ? `, family ${each.family}` : "", each.score === undefined ? "" : `, score ${each.score.toFixed(3)}`, each.by ? `, by ${each.by}` : ""].join("")));
    return make("section", {}, make("h3", {}, "Which generator"),
      disagree ? make("p", { class: "warn" }, "Sources disagree about the generator.") : null, make("ol", { class: "sources" }, ...sources.map(line)));
  }

  // The score against those of all images, and of known real photographs.
  standing(score) {
    const { histogram, known, threshold } = this.model.meta, most = Math.max(1, ...histogram), width = 400 / histogram.length;
    const picture = drawn("svg", { viewBox: "0 0 400 62", role: "img", "aria-label": `Score ${score.toFixed(3)} among all scores` });
    histogram.forEach((count, place) => {
      const height = 46 * Math.sqrt(count / most);
      picture.append(drawn("rect", { class: "skipped", x: place * width + 0.5, y: 48 - height, width: width - 1, height }));
    });
    if (known.length) {
      const top = Math.max(...known);
      const points = known.map((count, place) => `${(place + 0.5) * width},${48 - 46 * Math.sqrt(count / top)}`).join(" ");
      picture.append(drawn("polyline", { class: "known", points }));
    }
    picture.append(drawn("line", { class: "axis", x1: 0, x2: 400, y1: 48, y2: 48 }));
    if (threshold !== null) picture.append(drawn("line", { class: "mark", x1: 400 * threshold, x2: 400 * threshold, y1: 0, y2: 50 }));
    const here = Math.min(Math.max(400 * score, 6), 394);
    picture.append(drawn("path", { class: "here", d: `M ${here} 49 l -5 9 l 10 0 z` }));
    const words = `Grey: all scores of this scan${known.length ? "; line: known real photographs" : ""}; heights by square root.`;
    return make("figure", { class: "histogram" }, picture, make("figcaption", {}, words));
  }

  review() {
    const { row, reviews, details } = this;
    const buttons = DECISIONS.map((decision) => make("button", {
      type: "button", class: "chip", "data-keep": decision, onclick: () => this.decide(decision),
    }, `${decision} (${Object.keys(MARKS).find((key) => MARKS[key] === decision)})`));
    const note = make("textarea", {
      maxLength: 2000, placeholder: "Note", "aria-label": "Note",
      onchange: () => { reviews.note(row, note.value, details); this.reviewed(); },
    });
    const said = make("div");
    // in place, and nothing moves: a note is taken as its box is left, and what is clicked or tabbed to must still be there
    this.tell = () => {
      const own = reviews.own(row), others = reviews.list(row).filter((each) => each !== own);
      const given = (details.reviews ?? []).filter((each) => !reviews.list(row).some((held) => ["decision", "who", "when"].every((name) => held[name] === each[name])));
      buttons.forEach((button, place) => button.setAttribute("aria-pressed", String(own?.decision === DECISIONS[place])));
      note.value = own?.note ?? "";
      const words = own ? fit(`${own.decision}${own.who ? ` by ${own.who}` : ""}, ${own.when}`) : "not decided yet";
      const lines = [...others, ...given].map((each) => make("p", { class: "said" },
        make("b", {}, each.decision ?? ""), fit(`${each.who ? ` by ${each.who}` : ""}${each.when ? `, ${each.when}` : ""}${each.note ? `: ${each.note}` : ""}`)));
      if (others.length) lines.unshift(make("p", { class: reviews.differ(row) ? "warn" : "warn unseen" }, "Reviewers differ about this image."));
      said.replaceChildren(make("p", { class: "muted own", title: words }, words), ...lines);
    };
    this.tell();
    return make("section", {}, make("h3", {}, "Review"), make("div", { class: "row" }, ...buttons), make("p", {}, note), said);
  }

  copies() {
    const rows = this.model.copiesOf(this.row);
    if (rows.length < 2) return null;
    const differ = this.model.differ(rows);
    const item = (row) => make("li", {}, make("button", { type: "button", onclick: () => this.open(row), "aria-current": String(row === this.row) },
      make("span", { class: `verdict ${this.model.state(row)}` }, this.model.state(row)),
      ` ${this.model.score(row)?.toFixed(3) ?? ""} `, make("bdi", {}, this.model.path(row)), row === this.row ? " (this one)" : ""));
    return make("section", {}, make("h3", {}, `${thousands(rows.length)} copies of this picture`),
      make("p", { class: differ ? "warn" : "muted" },
        differ ? "Their verdicts differ: at least one of them is wrong, or one is an edited version. " : "",
        "Same bytes, or perceptual hashes at most 2 of 64 bits apart, as scaled, recompressed or lightly edited versions have them."),
      make("ul", { class: "copies" }, ...rows.slice(0, 200).map(item)),
      rows.length > 200 ? make("p", { class: "muted" }, `and ${thousands(rows.length - 200)} more`) : null);
  }

  facts() {
    const { facts = [], more } = this.details;
    if (!facts.length) return null;
    const head = ["fact", "value", "place", "strength"].map((name) => make("th", { scope: "col" }, name));
    const line = ([key, value, place, offset, strength, claim]) => make("tr", { class: claim ? "strong" : null },
      make("td", {}, key), make("td", { class: "value" }, value), make("td", {}, offset === null ? place : `${place} at ${offset}`),
      make("td", {}, claim ? `${strength}, claims ${claim}` : strength));
    return make("section", {}, make("h3", {}, "What the file says of itself"),
      make("div", { class: "wide" }, make("table", { class: "facts" }, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...facts.map(line)))),
      more ? make("p", { class: "muted" }, `and ${more} more in the report`) : null);
  }

  list(title, pairs) {
    const lines = pairs.filter(([, value]) => value !== undefined && value !== null && value !== "")
      .map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value)));
    return lines.length ? make("section", {}, make("h3", {}, title), make("dl", {}, ...lines)) : null;
  }

  exif() { return this.list("Camera data (EXIF)", this.details.exif ?? []); }

  file() {
    const { details } = this, path = details.path ?? details.name;
    const copied = (text) => make("span", {}, text === path ? make("bdi", {}, details.name) : make("code", {}, text), " ",
      make("button", { type: "button", onclick: (event) => copy(text, event.target) }, "copy"));
    return this.list("File", [
      ["path", copied(path)],
      ["sha256", details.sha256 ? copied(details.sha256) : null],
      ["format", [details.format, details.width ? `${details.width} \u00d7 ${details.height}` : null, details.animated ? "animated" : null].filter(Boolean).join(", ")],
      ["size", details.bytes === undefined ? null : `${thousands(details.bytes)} bytes`],
      ["declared", details.declared ? [details.declared, details.declared_by, details.declared_strength].filter(Boolean).join(", ") : null],
      ["model", details.model],
      ["looks", details.looks === 2 ? `2: whole picture ${details.score_second?.toFixed(3)}, ${details.score_first?.toFixed(3)} at first sight` : null],
      ["threshold", details.threshold?.toFixed(4)],
      ["phash", details.phash],
      ["notes", details.notes],
      ["error", details.code ? `${details.code}: ${details.error ?? ""}` : null],
    ]);
  }

  extra() { return this.list("From the list", this.details.extra ?? []); }
}

async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // pages from disk may not use the clipboard in some browsers: select it by hand
    const area = make("textarea", { value: text });
    button.after(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  button.textContent = "copied";
}
