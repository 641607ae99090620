// Filters and the open image live in the address, so that a view can be kept and sent.

const address = {
  read() {
    const held = new URLSearchParams(location.hash.slice(1)), wanted = { ...NONE };
    for (const name of Object.keys(NONE)) {
      if (!held.has(name)) continue;
      wanted[name] = name === "verdict" ? held.get(name).split(",").filter(Boolean) : held.get(name);
    }
    const image = held.get("image");
    return { wanted, image: image !== null && /^\d+$/.test(image) ? Number(image) : null };
  },

  write(wanted, image) {
    const held = new URLSearchParams();
    for (const [name, value] of Object.entries(wanted)) {
      const text = Array.isArray(value) ? value.join(",") : value;
      if (text && text !== NONE[name]) held.set(name, text);
    }
    if (image !== null) held.set("image", image);
    const hash = held.toString();
    try {
      history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
    } catch { /* a frame may forbid it; the view is then only on the screen */ }
  },
};
