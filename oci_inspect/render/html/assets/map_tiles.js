/* Tiles of the map as elements: their words, their classes, and which lies next to which. */
(() => {
  "use strict";
  const section = document.getElementById("map");
  if (!section || !section.ociMap) return;
  const map = section.ociMap;
  const { make, kindColour, layerColour, layerText } = map.panels;

  function name(tile) {
    const smaller = map.plural(tile.count, "smaller file");
    if (tile.type === "rest") return tile.width < 7 * smaller.length ? `+${map.number(tile.count)}` : smaller;
    if (tile.type === "file") return map.leafNames[tile.node];
    const line = map.lineage(tile.node);
    const parts = line.slice(line.indexOf(tile.inside) + 1).map((one) => map.names[one]);
    return parts.length > 4 ? `${parts[0]}/…/${parts.at(-1)}` : parts.join("/");
  }

  function path(tile) {
    if (tile.type === "folder") return `${map.folderPath(tile.node)}/`;
    if (tile.type === "file") return map.leafPath(tile.node);
    return `${map.plural(tile.count, "smaller file")} in ${map.folderPath(tile.node)}`;
  }

  function facts(tile, whole) {
    const share = map.percent(tile.size, whole);
    const where = tile.type === "file" ? map.kinds[tile.kind].label : map.sides[tile.side];
    const layer = tile.layer < 0 ? null : (tile.mixed ? "mostly " : "") + layerText(tile.side, tile.layer, 120);
    return [`${map.humanSize(tile.size)}, ${share}`, where, layer].filter((one) => one !== null);
  }

  function word(className, text) {
    const found = document.createElement("span");
    found.className = className;
    found.textContent = text;
    return found;
  }

  function node(tile, index, whole) {
    const found = document.createElement("div");
    found.ociTile = index;
    found.tabIndex = -1;
    found.setAttribute("role", "option");
    found.setAttribute("aria-selected", "false");
    found.setAttribute("aria-label", `${path(tile)}, ${facts(tile, whole).join(", ")}`);
    const { x, y, width, height } = tile;
    found.style.cssText = `left:${x}px;top:${y}px;width:${width}px;height:${height}px`;
    if (width >= 34 && height >= 17) {
      const text = word("map-words", "");
      text.append(word("map-name", name(tile)));
      const beside = tile.open || height < 36;
      const size = map.humanSize(tile.size);
      const wide = 7 * size.length + 10; // pixels; half a size would be a wrong one
      if (beside ? width >= wide + 66 : width >= wide) text.append(word("map-size", size));
      if (beside) text.className += " map-beside";
      found.append(text);
    }
    return found;
  }

  function classOf(tile, by) {
    const dead = map.hatched && tile.side === 1 ? " map-dead" : "";
    if (tile.open) return `map-tile map-open${dead}`;
    const colour = by === "kind" ? kindColour(tile.kind) : layerColour(tile.side, tile.layer);
    return `map-tile map-${tile.type}${dead} ${colour}`;
  }

  function label({ side, box, size }, upright, whole) {
    const text = make(
      "span",
      { class: "map-label" },
      make("b", {}, map.sides[side]),
      ` ${map.humanSize(size)} · ${map.percent(size, whole)}`,
    );
    if (map.hatched && side === 1) text.classList.add("map-dead-label");
    if (upright) text.style.cssText = `left:0;top:${box.y - map.labelHeight}px`;
    else if (box.x === 0) text.style.cssText = "left:0;top:0";
    else text.style.cssText = `top:0;right:0;min-width:${Math.max(box.width, 0)}px`;
    return text;
  }

  /* Whether a tile has anything of what is looked for, a layer or a kind; a side of -1 is any. */
  function has(tile, only) {
    if (only === null || tile.open || (only.side >= 0 && only.side !== tile.side)) return false;
    const { by, what } = only;
    if (tile.type === "folder") return map.most(tile.node, tile.side, by).all.has(what);
    return tile.type === "rest" ? tile[`${by}s`].includes(what) : tile[by] === what;
  }

  /* What of a tile is its own: the strip of a folder that is open, all of any other. */
  const own = (tile) => (tile.open ? { ...tile, height: map.headHeight } : tile);

  /* The next tile in a direction: the nearest that lies across from this one, else none. */
  function neighbour(tiles, index, dx, dy) {
    const from = own(tiles[index]);
    let best = -1;
    let least = Infinity;
    tiles.forEach((tile, i) => {
      if (i === index) return;
      const to = own(tile);
      const ahead = dx ? (dx > 0 ? to.x - from.x - from.width : from.x - to.x - to.width)
        : dy > 0 ? to.y - from.y - from.height : from.y - to.y - to.height;
      if (ahead < -3) return;
      const aside = dx
        ? Math.max(to.y - from.y - from.height, from.y - to.y - to.height, 0)
        : Math.max(to.x - from.x - from.width, from.x - to.x - to.width, 0);
      const off = dx ? Math.abs(to.y - from.y) : Math.abs(to.x - from.x);
      const far = ahead + 4 * aside + off / 50;
      if (far < least) [best, least] = [i, far];
    });
    return best;
  }

  map.tiles = { path, facts, node, classOf, label, has, neighbour };
})();
