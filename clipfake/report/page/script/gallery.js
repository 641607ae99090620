// Cards for as many images as there are: only those on the screen exist.

const GAP = 12, CARD = { height: 200, named: 222, width: 190, phone: 150 };
const MOST_HEIGHT = 12_000_000; // pixels; browsers lay nothing out beyond some 17 million

class Gallery {
  constructor(model, source, reviews, open) {
    Object.assign(this, { model, source, reviews, open, cards: [], at: 0, drawn: new Map() });
    this.box = element("cards");
    if (model.columns.origin?.some(Boolean)) CARD.height = CARD.named;
    this.columns = 1;
    this.box.addEventListener("keydown", (event) => this.keys(event));
    this.box.addEventListener("focusin", (event) => {
      const place = event.target.closest(".card")?.dataset.place;
      if (place !== undefined) this.mark(Number(place));
    });
    addEventListener("scroll", () => this.soon(), { passive: true });
    new ResizeObserver(() => this.layout()).observe(this.box);
  }

  show(cards) {
    this.cards = cards;
    this.at = 0;
    this.layout(true);
  }

  layout(anew = false) {
    const width = this.box.clientWidth, least = width < 480 ? CARD.phone : CARD.width;
    const columns = Math.max(1, Math.floor((width + GAP) / (least + GAP)));
    if (!anew && columns === this.columns && width === this.width) return;
    Object.assign(this, { columns, width, size: (width - GAP * (columns - 1)) / columns });
    const lines = Math.min(Math.ceil(this.cards.length / columns), Math.floor(MOST_HEIGHT / (CARD.height + GAP)));
    this.laid = Math.min(this.cards.length, lines * columns);
    this.box.style.height = `${Math.max(lines * (CARD.height + GAP), 40)}px`;
    this.box.replaceChildren();
    this.drawn.clear();
    this.draw();
  }

  soon() {
    this.waiting ??= requestAnimationFrame(() => { this.waiting = undefined; this.draw(); });
  }

  draw() {
    const top = -this.box.getBoundingClientRect().top, line = CARD.height + GAP;
    const first = Math.max(0, Math.floor((top - 600) / line)) * this.columns;
    // two lines at least, so that who comes by keyboard finds some
    const lines = Math.max(2, Math.ceil((top + innerHeight + 600) / line));
    const end = Math.min(this.laid, lines * this.columns);
    for (const [place, card] of this.drawn) {
      if (place >= first && place < end || card.contains(document.activeElement)) continue;
      card.remove();
      this.drawn.delete(place);
    }
    for (let place = first; place < end; place++) {
      if (!this.drawn.has(place)) this.put(place);
    }
  }

  put(place) {
    const { model } = this, row = this.cards[place], state = model.state(row), score = model.score(row);
    const copies = model.copiesOf(row), review = this.reviews.of(row), differ = copies.length > 1 && model.differ(copies);
    const words = [model.columns.name[row], state, score === null ? "no score" : `score ${score.toFixed(3)}`,
      model.origin(row) ? `${model.text("generator", row)}, ${model.origin(row)}` : "", copies.length > 1 ? `${copies.length} copies${differ ? ", verdicts differ" : ""}` : "", review?.decision ?? "", this.reviews.differ(row) ? "reviewers differ" : ""].filter(Boolean).join(", ");
    const picture = this.source.picture(row);
    const card = make("button", { type: "button", class: `card ${state}`, "aria-label": words, "data-place": place, tabIndex: place === this.at ? 0 : -1, onclick: () => { this.mark(place); this.open(row); } },
      make("span", { class: "frame" }, picture ? make("img", { src: picture, alt: "", decoding: "async" }) : model.text("code", row) || "no picture",
        copies.length > 1 ? make("span", { class: differ ? "count differs" : "count" }, `\u00d7 ${thousands(copies.length)}`) : null),
      make("span", { class: "label" }, make("span", { class: `verdict ${state}` }, state), score === null ? null : make("span", {}, score.toFixed(3)),
        model.basis(row) === "conflict" ? make("span", { class: "small" }, "conflict") : null,
        review ? make("span", { class: "decided" }, review.decision, this.reviews.differ(row) ? ", others differ" : "") : null),
      model.origin(row) ? make("span", { class: "made", title: `${model.text("generator", row)}, ${model.origin(row)}` },
        make("bdi", {}, model.text("generator", row)), make("span", { class: "small" }, model.origin(row))) : null,
      make("span", { class: "file", title: model.path(row) }, make("bdi", {}, model.columns.name[row])));
    const column = place % this.columns, line = Math.floor(place / this.columns);
    Object.assign(card.style, { left: `${column * (this.size + GAP)}px`, top: `${line * (CARD.height + GAP)}px`, width: `${this.size}px`, height: `${CARD.height}px` });
    // in order, as tabs and screen readers take them
    const had = this.drawn.get(place);
    if (had) had.replaceWith(card);
    else this.box.insertBefore(card, [...this.box.children].find((other) => Number(other.dataset.place) > place) ?? null);
    this.drawn.set(place, card);
    return card;
  }

  // A row's card drawn anew, where it is on the screen.
  refresh(row) {
    const place = this.cards.indexOf(row), had = this.drawn.get(place);
    if (!had) return;
    const focused = had === document.activeElement;
    const card = this.put(place);
    if (focused) card.focus();
  }

  mark(place) {
    const before = this.drawn.get(this.at);
    if (before) before.tabIndex = -1;
    this.at = place;
    const now = this.drawn.get(place);
    if (now) now.tabIndex = 0;
  }

  focus(place) {
    if (place < 0 || place >= this.laid) return;
    const top = this.box.getBoundingClientRect().top + Math.floor(place / this.columns) * (CARD.height + GAP);
    if (top < 0 || top + CARD.height > innerHeight) scrollBy({ top: top - innerHeight / 3, behavior: "instant" });
    this.mark(place);
    this.draw();
    (this.drawn.get(place) ?? this.put(place)).focus({ preventScroll: true });
  }

  keys(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: this.columns, ArrowUp: -this.columns };
    if (steps[event.key]) this.focus(this.at + steps[event.key]);
    else if (event.key === "Home") this.focus(0);
    else if (event.key === "End") this.focus(this.laid - 1);
    else if (MARKS[event.key]) this.decide(MARKS[event.key]);
    else return;
    event.preventDefault();
  }

  async decide(decision) {
    const row = this.cards[this.at];
    this.reviews.decide(row, decision, await this.source.details(row));
    this.refresh(row);
    this.decided?.();
  }
}
