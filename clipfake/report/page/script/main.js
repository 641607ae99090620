// What happens when.

async function start() {
  const plain = element("plain");
  plain.tBodiesRows = plain.querySelector("tbody").rows;
  const model = new Model(source.meta);
  await source.load(model);
  const reviews = new Reviews(model);
  const filters = new Filters(model, refilter);
  const detail = new Detail(model, source, reviews, (closed) => {
    told();
    if (closed) gallery.focus(gallery.at);
    else { gallery.refresh(detail.row); const place = gallery.cards.indexOf(detail.row); if (place >= 0) gallery.mark(place); }
    address.write(filters.get(), detail.row);
  });
  const gallery = new Gallery(model, source, reviews, (row) => detail.open(row, gallery.cards));
  gallery.decided = told;
  let shown = { cards: [], rows: [] };

  function told() {
    const count = reviews.all().length;
    element("reviewed").textContent = count ? `${thousands(count)} reviewed here${reviews.lasting ? "" : "; this browser keeps nothing, so export them"}` : "";
  }

  function refilter() {
    const wanted = filters.get();
    shown = model.select(wanted, reviews);
    gallery.show(shown.cards);
    const all = shown.rows.length === model.rows, images = thousands(shown.rows.length);
    const copies = shown.rows.length - shown.cards.length;
    element("shown").textContent = [
      all ? `${images} images` : `${images} of ${thousands(model.rows)} images`,
      copies ? `${thousands(copies)} stand behind a copy` : "",
      source.meta.all > model.rows ? `${thousands(source.meta.all - model.rows)} more in the report, not on this page` : "",
      gallery.laid < shown.cards.length ? `the first ${thousands(gallery.laid)} are shown: filter for others` : "",
    ].filter(Boolean).join("; ");
    filters.clear.hidden = !filters.active;
    address.write(wanted, detail.row);
  }

  function restore() {
    const { wanted, image } = address.read();
    filters.set(wanted);
    refilter();
    if (image !== null && image < model.rows) detail.open(image, shown.cards);
  }

  // A page prints its findings, or what the filters leave.
  addEventListener("beforeprint", () => {
    const rows = [...plain.tBodiesRows], wanted = filters.active && !source.partial ? new Set(shown.rows) : null;
    rows.forEach((line, row) => line.classList.toggle("unprinted", wanted ? !wanted.has(row) : !line.classList.contains("finding")));
    document.querySelectorAll(".own-review").forEach((each) => each.remove());
    if (!source.partial) {
      rows.forEach((line, row) => {
        for (const own of reviews.list(row)) {
          line.lastElementChild.append(make("span", { class: "own-review" }, make("br"), make("b", {}, own.decision), fit(` by ${own.who || "a reviewer"}, ${own.when}${own.note ? `: ${own.note}` : ""}`)));
        }
      });
    }
    const count = rows.filter((line) => !line.classList.contains("unprinted")).length;
    element("plain-title").textContent = wanted ? "Images, filtered" : "Findings";
    element("print-note").textContent = `${thousands(count)} of ${thousands(source.meta.all)} files: ${wanted ? "those that the filters of the page left" : "verdict ai, conflict or error"}.`;
  });

  addEventListener("keydown", (event) => {
    const busy = detail.dialog.open || event.target.matches("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey;
    if (event.key === "Escape" && detail.waiting) detail.close();
    if (event.key === "Escape" && event.target === filters.search) { filters.search.value = ""; refilter(); gallery.focus(0); }
    if (busy) return;
    if (event.key === "/") filters.search.focus();
    else if (event.key === "ArrowDown" && event.target === document.body) gallery.focus(gallery.at);
    else return;
    event.preventDefault();
  });
  addEventListener("hashchange", restore);
  document.querySelectorAll(".unfold").forEach((button) => button.addEventListener("click", () => {
    button.closest(".group").classList.add("open");
    button.parentNode.remove();
  }));
  element("reviewer").value = kept.get("clipfake:reviewer") ?? "";
  element("reviewer").addEventListener("change", (event) => kept.set("clipfake:reviewer", event.target.value));
  element("export-csv").addEventListener("click", () => download("reviews.csv", "text/csv", reviews.csv()));
  element("export-json").addEventListener("click", () => download("reviews.json", "application/json", reviews.json()));
  element("import").addEventListener("click", () => element("import-file").click());
  element("import-file").addEventListener("change", async (event) => {
    const files = [...event.target.files], lines = [];
    for (const file of files) {
      try {
        const read = await reviewsIn(file);
        lines.push(...toldOf(file.name, read, reviews.merge(read.reviews)));
      } catch (error) {
        lines.push(make("p", { class: "warn" }, fit(`${file.name}: ${error.message}`)));
      }
    }
    event.target.value = "";
    element("imported").replaceChildren(...lines);
    told();
    refilter();
  });
  told();
  restore();
  document.documentElement.dataset.ready = "yes";
}

start();
