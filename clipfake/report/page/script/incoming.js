// Reviews out of a file that a page exported before: CSV or JSON, of unknown origin.

const MOST_BYTES = 64 * 2 ** 20, MOST_REVIEWS = 1_000_000;
const MOST_CHARACTERS = { path: 4096, note: 2000, who: 200, when: 40 };
const MARKED = /^'(?=[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20])/; // what keeps a spreadsheet from running a cell

// The reviews of a file, and what is wrong with rows that are none.
async function reviewsIn(file) {
  if (file.size > MOST_BYTES) throw new Error(`over ${thousands(MOST_BYTES)} bytes; export fewer reviews at once`);
  const text = decoded(await bytesOf(file));
  const json = /^\s*[[{]/.test(text);
  const rows = json ? jsonRows(text) : csvRows(text);
  if (rows.length > MOST_REVIEWS) throw new Error(`over ${thousands(MOST_REVIEWS)} reviews; import fewer at once`);
  const reviews = [], faults = [];
  rows.forEach(([number, row]) => {
    const found = reviewOf(row, !json);
    if (typeof found === "string") faults.push(`${json ? "review" : "line"} ${number}: ${found}`);
    else if (found) reviews.push(found);
  });
  return { reviews, faults };
}

function bytesOf(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(new Uint8Array(reader.result));
    reader.onerror = () => reject(new Error("cannot be read; is it still there?"));
    reader.readAsArrayBuffer(file);
  });
}

// Text by its byte order mark, else UTF-8, else what Windows writes.
function decoded(bytes) {
  const as = (encoding, fatal) => new TextDecoder(encoding, { fatal }).decode(bytes);
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return as("utf-16le", false);
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return as("utf-16be", false);
  try { return as("utf-8", true); } catch { return as("windows-1252", false); }
}

function jsonRows(text) {
  let held;
  try { held = JSON.parse(text); } catch { throw new Error("is no JSON; give what a page exports"); }
  const list = Array.isArray(held) ? held : held.reviews;
  if (!Array.isArray(list)) throw new Error("holds no list of reviews; give what a page exports");
  return list.map((each, place) => [place + 1, new Map(Object.entries(each ?? {}))]);
}

// Rows by the names of their columns, each with the line on which it begins.
function csvRows(text) {
  const head = text.slice(0, (text.search(/[\r\n]/) + 1 || text.length + 1) - 1);
  const [separator] = [",", ";", "\t", "|"].map((each) => [each, head.split(each).length]).sort((a, b) => b[1] - a[1])[0];
  const [first, ...lines] = records(text, separator);
  const names = (first?.[1] ?? []).map((name) => name.trim().toLowerCase());
  if (!names.includes("decision")) throw new Error("has no column named decision; give what a page exports");
  return lines.map(([number, cells]) => [number, new Map(cells.map((cell, place) => [names[place], cell]))]);
}

// Records as RFC 4180 has them; quotes may hold separators, lines and doubled quotes.
function records(text, separator) {
  const found = [];
  let cells = [], cell = "", quoted = false, line = 1, start = 1;
  const end = () => { cells.push(cell); found.push([start, cells]); cells = []; cell = ""; start = line; };
  for (let at = 0; at < text.length; at++) {
    const letter = text[at];
    if (letter === "\n" || (letter === "\r" && text[at + 1] !== "\n")) line++;
    if (quoted) {
      if (letter !== '"') cell += letter;
      else if (text[at + 1] === '"') { cell += '"'; at++; }
      else quoted = false;
    } else if (letter === '"' && cell === "") quoted = true;
    else if (letter === separator) { cells.push(cell); cell = ""; }
    else if (letter === "\n" || (letter === "\r" && text[at + 1] !== "\n")) end();
    else if (letter !== "\r") cell += letter;
  }
  if (cell || cells.length) end();
  return found;
}

// A review; what is wrong with it, as text; or nothing for an empty line of a spreadsheet.
function reviewOf(row, marked) {
  const text = (name) => {
    const value = row.get(name), given = typeof value === "string" ? value : "";
    return (marked ? given.replace(MARKED, "") : given).slice(0, MOST_CHARACTERS[name] ?? 100);
  };
  const review = { decision: text("decision").trim().toLowerCase(), sha256: text("sha256").trim().toLowerCase() };
  for (const name of Object.keys(MOST_CHARACTERS)) review[name] = text(name);
  review.who = review.who.trim();
  review.when = review.when.trim();
  if (![...Object.values(review)].some(Boolean)) return null;
  if (!review.decision) return `no decision; write one of ${DECISIONS.join(", ")}`;
  if (!DECISIONS.includes(review.decision)) return `${JSON.stringify(review.decision.slice(0, 40))} is no decision; write one of ${DECISIONS.join(", ")}`;
  if (review.sha256 && !/^[0-9a-f]{64}$/.test(review.sha256)) return "its sha256 is none; leave it empty";
  if (!review.sha256 && !review.path) return "names no image; write its path or sha256";
  return review;
}

// What became of a file's reviews, for the reader.
function toldOf(name, { reviews, faults }, found) {
  const parts = [
    found.added ? `${thousands(found.added)} new` : "",
    found.newer ? `${thousands(found.newer)} in the place of older ones` : "",
    found.same ? `${thousands(found.same)} here already` : "",
    found.older ? `${thousands(found.older)} left out, since those here of the same reviewer are as late or later` : "",
  ].filter(Boolean);
  const elsewhere = found.elsewhere ? `; ${thousands(found.elsewhere)} of images that are not here, which are kept for the next export` : "";
  const list = (title, lines) => (lines.length ? [make("p", {}, title),
    make("ul", {}, ...lines.slice(0, 20).map((line) => make("li", {}, line)), lines.length > 20 ? make("li", {}, `and ${thousands(lines.length - 20)} more`) : null)] : []);
  return [
    make("p", {}, make("b", {}, fit(name)), `: ${thousands(reviews.length)} ${reviews.length === 1 ? "review" : "reviews"}`, parts.length ? `: ${parts.join(", ")}` : "", elsewhere, ". No score and no verdict was changed."),
    ...list(`Decisions that differ (${thousands(found.conflicts.length)}); of one reviewer the later holds:`, found.conflicts),
    ...list(`Left out, being no reviews (${thousands(faults.length)}):`, faults.map(fit)),
  ];
}
