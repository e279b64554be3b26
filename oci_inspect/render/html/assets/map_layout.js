/* Where the tiles of the map lie: numbers only, no elements.

   ociMap.layout(folder, width, height) -> {sides, tiles, upright}. Areas are in proportion to the
   bytes of the folder that is open; folders in it are nested as far as there is room, and only
   what can be seen is laid out: at most MOST tiles. */
(() => {
  "use strict";
  const section = document.getElementById("map");
  if (!section || !section.ociMap) return;
  const map = section.ociMap;
  const squarify = globalThis.ociSquarify;

  const MOST = 1600; // tiles
  const LEAST_AREA = 90; // square pixels; what would be smaller is folded
  const HEAD = 20; // pixels of the strip with the name of a folder
  const PAD = 2;
  const LEAST_WIDTH = 46; // of a folder whose content is shown
  const LEAST_HEIGHT = HEAD + 26;
  const GAP = 10; // between the sides
  const LABEL = 26; // height of the label of a side
  const LEAST_SIDE = 4; // a side with any bytes is seen

  /* The one folder that all bytes of a folder on a side are in, followed inwards. */
  function innermost(folder, side) {
    let one = folder;
    for (;;) {
      const all = map.sum(one, side);
      const below = map.children[one].find((child) => map.sum(child, side) === all);
      if (below === undefined || all === 0) return one;
      one = below;
    }
  }

  /* What a folder has on a side, the largest first: folders, leaves, one rest of what is small. */
  function items(folder, side, least, room) {
    const found = [];
    const rest = { type: "rest", size: 0, count: 0, node: folder, layers: new Map(), kinds: new Map() };
    const fold = (size, count, layer, kind) => {
      rest.size += size;
      rest.count += count;
      rest.layers.set(layer, (rest.layers.get(layer) || 0) + size);
      rest.kinds.set(kind, (rest.kinds.get(kind) || 0) + size);
    };
    const foldItem = (item) => {
      const of = (by) => (item.type === "folder" ? map.most(item.node, side, by).what : null);
      if (item.type === "folder") {
        fold(item.size, map.count(item.node, side), of("layer"), of("kind"));
      } else {
        fold(item.size, 1, map.leafLayers[item.node], map.leafKinds[item.node]);
      }
    };
    for (const one of map.children[folder]) {
      const size = map.sum(one, side);
      if (size > 0) {
        const item = { type: "folder", size, node: one };
        if (size >= least) found.push(item);
        else foldItem(item);
      }
    }
    for (let one = map.leafStart[folder]; one < map.leafStart[folder + 1]; one += 1) {
      const size = map.leafSizes[one];
      if (size === 0 || map.sideOf[map.leafKinds[one]] !== side) continue;
      if (size >= least) found.push({ type: "file", size, node: one });
      else fold(size, 1, map.leafLayers[one], map.leafKinds[one]);
    }
    for (const one of map.rests[folder]) {
      if (map.sideOf[one.kind] === side && one.bytes) fold(one.bytes, one.paths, one.layer, one.kind);
    }
    const order = (a, b) => b.size - a.size || (a.type < b.type ? 1 : a.type > b.type ? -1 : a.node - b.node);
    found.sort(order);
    while (found.length > room) foldItem(found.pop());
    if (rest.count) {
      found.push(rest);
      found.sort(order);
    }
    return found;
  }

  const largest = (bytes) => {
    let best = null;
    for (const [what, much] of bytes) if (best === null || much > bytes.get(best)) best = what;
    return best;
  };

  function tileOf(item, side, depth, box) {
    const tile = { ...box, type: item.type, side, size: item.size, node: item.node, depth, open: false };
    if (item.type === "folder") {
      const layer = map.most(item.node, side, "layer");
      const kind = map.most(item.node, side, "kind");
      Object.assign(tile, { layer: layer.what, kind: kind.what, mixed: !layer.only });
    } else if (item.type === "file") {
      Object.assign(tile, { layer: map.leafLayers[item.node], kind: map.leafKinds[item.node], mixed: false });
    } else {
      const mixed = item.layers.size > 1;
      Object.assign(tile, { layer: largest(item.layers), kind: largest(item.kinds), mixed, count: item.count });
      Object.assign(tile, { layers: [...item.layers.keys()], kinds: [...item.kinds.keys()] });
    }
    return tile;
  }

  /* Fill a box with what a folder has on a side; the tiles of folders that may be opened further. */
  function fill(folder, side, box, depth, tiles, whole) {
    const area = box.width * box.height;
    const least = (map.sum(folder, side) * LEAST_AREA) / area;
    const share = Math.ceil((MOST * area) / whole) + 8; // no folder takes the room of all others
    const found = items(folder, side, least, Math.max(Math.min(MOST - tiles.length, share) - 1, 0));
    if (depth && found.length === 1 && found[0].type === "rest") return null;
    const rects = squarify(
      found.map((item) => item.size),
      box.x,
      box.y,
      box.width,
      box.height,
    );
    const open = [];
    found.forEach((item, i) => {
      const x = Math.round(rects[4 * i]);
      const y = Math.round(rects[4 * i + 1]);
      const width = Math.round(rects[4 * i] + rects[4 * i + 2]) - x;
      const height = Math.round(rects[4 * i + 1] + rects[4 * i + 3]) - y;
      if (width < 2 || height < 2) return;
      if (item.type === "folder") item.node = innermost(item.node, side);
      const tile = tileOf(item, side, depth, { x, y, width: width - 1, height: height - 1 });
      tile.inside = folder;
      tiles.push(tile);
      if (item.type === "folder" && width >= LEAST_WIDTH && height >= LEAST_HEIGHT) open.push(tile);
    });
    return open;
  }

  const inner = (tile) => ({
    x: tile.x + PAD,
    y: tile.y + HEAD,
    width: tile.width - 2 * PAD + 1,
    height: tile.height - HEAD - PAD + 1,
  });

  /* The boxes of the sides: beside each other, or above each other where that is narrower. */
  function sides(folder, width, height) {
    const there = [0, 1].filter((side) => map.sum(folder, side) > 0);
    const all = map.total(folder);
    const upright = width < 560 && height > width * 0.75;
    const labels = upright ? there.length : 1;
    const room = (upright ? height : width) - (upright ? labels * LABEL : 0) - (there.length - 1) * GAP;
    const parts = there.map((side) => Math.max((room * map.sum(folder, side)) / all, LEAST_SIDE));
    const thickest = parts.indexOf(Math.max(...parts));
    parts.forEach((part, i) => {
      if (i !== thickest) parts[thickest] = room - Math.round(part);
    });
    let at = 0;
    const found = there.map((side, i) => {
      const part = there.length === 1 ? room : Math.round(parts[i]);
      const box = upright
        ? { x: 0, y: at + LABEL, width, height: part }
        : { x: at, y: LABEL, width: part, height: height - LABEL };
      at += part + GAP + (upright ? LABEL : 0);
      return { side, box, size: map.sum(folder, side) };
    });
    return { upright, found };
  }

  map.layout = (folder, width, height) => {
    const tiles = [];
    const { upright, found } = sides(folder, width, height);
    let level = [];
    for (const { side, box } of found) level.push(...(fill(folder, side, box, 0, tiles, width * height) || []));
    for (let depth = 1; level.length; depth += 1) {
      const next = [];
      level.sort((a, b) => b.width * b.height - a.width * a.height);
      for (const tile of level) {
        if (tiles.length >= MOST) break;
        const below = fill(tile.node, tile.side, inner(tile), depth, tiles, width * height);
        if (below !== null) {
          tile.open = true;
          next.push(...below);
        }
      }
      level = next;
    }
    return { sides: found, tiles, upright };
  };
  map.headHeight = HEAD;
  map.labelHeight = LABEL;
})();
