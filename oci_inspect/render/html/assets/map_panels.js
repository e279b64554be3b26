/* What stands around the map: crumbs, the legend, the facts of a file, the table of a folder.

   Each function of ociMap.panels returns an element; all text is set as text. */
(() => {
  "use strict";
  const section = document.getElementById("map");
  if (!section || !section.ociMap) return;
  const map = section.ociMap;

  const FIRST = 50; // rows of the table
  const MORE = 500;
  const CRUMBS = 8;

  /* An element with attributes and children; a child that is text stays text. */
  function make(tag, attributes, ...inside) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value === true) node.setAttribute(name, "");
      else if (value !== false && value !== null) node.setAttribute(name, value);
    }
    node.append(...inside.filter((one) => one !== null));
    return node;
  }

  const hashOf = (path) => `#map=${path.split("/").map(encodeURIComponent).join("/")}`;

  function pathOf(hash) {
    const path = hash.slice("#map=".length);
    try {
      return decodeURIComponent(path);
    } catch {
      return path;
    }
  }

  const [hint, help] = map.touch
    ? ["Tap a tile to read what it is.", "A tap opens a folder or tells of a file; the names above lead back."]
    : [
        "Point at a tile to read what it is.",
        "Arrow keys go from tile to tile, Enter opens a folder or tells of a file, Backspace goes up.",
      ];

  const kindColour = (kind) => `kind-${map.kinds[kind].key}`;
  const layerColour = (side, layer) => map.layer(side, layer)?.colour ?? "layer-none";

  const shorten = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

  /* "layer 3: RUN …", with whose layer it is where there are two images. */
  function layerText(side, index, most) {
    const found = map.layer(side, index);
    if (found === null) return index < 0 ? "no layer" : `layer ${index}`;
    const label = map.twoSided ? `${"AB"[side]} ${found.label}` : found.label;
    return found.instruction ? `${label}: ${shorten(found.instruction, most)}` : label;
  }

  /* A file in one sentence. */
  function said(leaf) {
    const kind = map.kinds[map.leafKinds[leaf]];
    const layer = layerText(kind.side, map.leafLayers[leaf], 80);
    return `${map.leafPath(leaf)}, ${map.humanSize(map.leafSizes[leaf])}, ${kind.label}, ${layer}`;
  }

  function layerLink(side, index) {
    const found = map.layer(side, index);
    const text = layerText(side, index, 400);
    const anchor = map.twoSided ? `layer-${"ab"[side]}-${index}` : `layer-${index}`;
    if (found === null || !document.getElementById(anchor)) return make("span", {}, text);
    return make("a", { href: `#${anchor}` }, text);
  }

  const sizeText = (bytes) => make("span", { title: map.plural(bytes, "byte") }, map.humanSize(bytes));

  function crumbs(folder) {
    const line = map.lineage(folder);
    const list = make("ol", {});
    const left = line.length - CRUMBS;
    line.forEach((one, i) => {
      if (left > 0 && i > 2 && i <= 2 + left) {
        if (i === 3) list.append(make("li", { class: "map-more" }, `… ${map.plural(left, "folder")} …`));
        return;
      }
      const name = one === 0 ? "/" : map.names[one];
      const here = one === folder;
      const link = here
        ? make("span", { "aria-current": "location", tabindex: "-1", title: name }, name)
        : make("a", { href: hashOf(map.folderPath(one)), title: name }, name);
      if (!here) link.ociFolder = one;
      list.append(make("li", {}, link));
    });
    return list;
  }

  /* Entries for what is to be seen, each a button that points out its tiles; the one that is
     pressed stays, also where nothing of it is seen. */
  function legend(tiles, by, only) {
    const found = new Map();
    for (const tile of tiles) {
      if (tile.open) continue;
      const side = map.twoSided && by === "layer" ? tile.side : -1;
      const what = by === "kind" ? tile.kind : tile.layer;
      const key = `${side} ${what}`;
      if (!found.has(key)) found.set(key, { side, what, dead: map.hatched, area: 0 });
      const one = found.get(key);
      one.dead = one.dead && tile.side === 1;
      one.area += tile.width * tile.height;
    }
    if (only && only.by === by && !found.has(`${only.side} ${only.what}`)) {
      found.set("", { side: only.side, what: only.what, dead: false, area: 0 });
    }
    const entries = [...found.values()].sort((a, b) => a.side - b.side || a.what - b.what);
    const list = make("ul", { class: "map-legend", "aria-label": "What the colours mean" });
    for (const one of entries) {
      const colour = by === "kind" ? kindColour(one.what) : layerColour(Math.max(one.side, 0), one.what);
      const text = by === "kind" ? map.kinds[one.what].label : layerText(Math.max(one.side, 0), one.what, 60);
      const title = by === "kind" ? text : layerText(Math.max(one.side, 0), one.what, 600);
      const hatch = by === "kind" && one.dead ? " map-dead" : "";
      const button = make(
        "button",
        { type: "button", "aria-pressed": "false", title },
        make("span", { class: `map-swatch ${colour}${hatch}`, "aria-hidden": "true" }),
        make("span", { class: "map-text" }, text),
      );
      button.ociWhat = one;
      list.append(make("li", {}, button));
    }
    return list;
  }

  /* Everything that is known of the file at a path: as many times as it was there. */
  function facts(leaf) {
    const found = map.versions(map.leafFolders[leaf], map.leafNames[leaf]);
    const box = make("div", { class: "map-facts" });
    box.append(make("h3", { class: "map-path", dir: "ltr" }, map.leafPath(leaf)));
    for (const one of found) {
      const kind = map.kinds[map.leafKinds[one]];
      const bytes = map.leafSizes[one];
      const list = make("dl", {});
      if (one === leaf && found.length > 1) list.className = "map-chosen";
      const row = (name, ...value) => list.append(make("div", {}, make("dt", {}, name), make("dd", {}, ...value)));
      row("size", map.humanSize(bytes), bytes >= 1000 ? ` (${map.plural(bytes, "byte")})` : "");
      row(map.twoSided ? "difference" : "state", kind.label);
      row("type", map.leafType(one));
      if (map.leafLayers[one] >= 0) row("layer", layerLink(kind.side, map.leafLayers[one]));
      box.append(list);
    }
    return box;
  }

  const tables = new Map();

  /* Rows of a folder: largest first; its folders, its paths (the versions of one in one row). */
  function rows(folder) {
    if (tables.has(folder)) return tables.get(folder);
    const found = map.children[folder].map((one) => ({
      folder: one,
      sizes: [map.sum(one, 0), map.sum(one, 1)],
    }));
    const byName = new Map();
    for (let one = map.leafStart[folder]; one < map.leafStart[folder + 1]; one += 1) {
      const name = map.leafNames[one];
      let row = byName.get(name);
      if (row === undefined) {
        row = { leaf: one, sizes: [0, 0] };
        byName.set(name, row);
        found.push(row);
      }
      row.sizes[map.sideOf[map.leafKinds[one]]] += map.leafSizes[one];
    }
    const folded = { rest: 0, sizes: [0, 0] };
    for (const one of map.rests[folder]) {
      folded.rest += one.paths;
      folded.sizes[map.sideOf[one.kind]] += one.bytes;
    }
    const size = (row) => row.sizes[0] + row.sizes[1];
    found.sort((a, b) => size(b) - size(a));
    if (folded.rest) found.push(folded);
    tables.clear(); // one folder is open at a time
    tables.set(folder, found);
    return found;
  }

  function tableRow(row) {
    let name;
    if (row.folder !== undefined) {
      name = make("a", { href: hashOf(map.folderPath(row.folder)) }, `${map.names[row.folder]}/`);
      name.ociFolder = row.folder;
    } else if (row.leaf !== undefined) {
      name = make("button", { type: "button", class: "map-link" }, map.leafNames[row.leaf]);
      name.ociLeaf = row.leaf;
    } else {
      name = map.plural(row.rest, "smaller file");
    }
    const cell = (bytes) => make("td", { class: bytes ? "map-number" : "map-number map-zero" }, sizeText(bytes));
    return make(
      "tr",
      {},
      make("th", { scope: "row" }, name),
      cell(row.sizes[0]),
      cell(row.sizes[1]),
      cell(row.sizes[0] + row.sizes[1]),
    );
  }

  function table(folder, chosen) {
    const all = rows(folder);
    const path = map.folderPath(folder);
    const body = make("tbody", {});
    const head = ["name", map.sides[0], map.sides[1], "total"].map((text, i) =>
      make("th", { scope: "col", class: i ? "map-number" : null }, text),
    );
    const heading = make("h3", { tabindex: "-1" }, "In this folder");
    const grid = make(
      "table",
      { "aria-label": `In ${path}, largest first` },
      make("thead", {}, make("tr", {}, ...head)),
      body,
    );
    const more = make("button", { type: "button", class: "map-button" });
    const box = make("div", { class: "map-table" }, heading, make("div", { class: "map-scroll" }, grid), more);
    let shown = 0;
    const show = (count) => {
      const next = all.slice(shown, shown + count);
      body.append(...next.map(tableRow));
      shown += next.length;
      const left = all.length - shown;
      more.hidden = left <= 0;
      more.textContent =
        left > MORE ? `Show ${MORE} more of ${map.number(left)}` : `Show all: ${map.number(left)} more`;
    };
    show(FIRST);
    more.addEventListener("click", () => {
      const at = body.rows.length;
      show(MORE);
      const target = body.rows[at] && body.rows[at].querySelector("a, button");
      if (target) target.focus();
    });
    if (chosen !== null) {
      const at = all.findIndex((row) => row.leaf !== undefined && map.leafNames[row.leaf] === map.leafNames[chosen]);
      let row = body.rows[at];
      if (at >= shown) {
        row = tableRow(all[at]);
        body.append(row);
      }
      if (row) {
        row.className = "map-chosen";
        row.querySelector("button").setAttribute("aria-current", "true");
      }
    }
    if (!all.length) body.append(make("tr", {}, make("td", { colspan: "4" }, "Nothing is in it.")));
    return box;
  }

  map.panels = { make, said, hint, help, hashOf, pathOf, kindColour, layerColour, layerText, crumbs, legend, facts, table };
})();
