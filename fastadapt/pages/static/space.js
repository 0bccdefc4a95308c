// What both pages' surfaces in space have in common.

// A surface over x and y with lines at equal heights, about so many `levels` of them.
function surfaceTrace(root, { x, y, z }, [low, high], levels, more) {
  return {
    type: "surface",
    x,
    y,
    z,
    cmin: low,
    cmax: high,
    colorscale: scaleOf(root),
    hoverinfo: "none",
    lighting: { ambient: 0.8, diffuse: 0.45, specular: 0.04, roughness: 0.95 },
    contours: {
      z: {
        show: true,
        width: 1,
        color: colour(root, "card"),
        start: low,
        end: high,
        size: (high - low) / levels || 1,
      },
    },
    ...more,
  };
}

// The layout of a box of these ranges, x as long against y as they are, and `height` high.
function spaceLayout(root, { x, y, titles, ticks, height, camera, uirevision }) {
  const axis = (title, more) => ({
    title: { text: title },
    showbackground: false,
    gridcolor: colour(root, "line"),
    zeroline: false,
    showspikes: false,
    ...more,
  });
  const [width, depth] = [x[1] - x[0], y[1] - y[0]];
  const longest = Math.max(width, depth);
  return plotLayout(root, {
    margin: { l: 0, r: 0, t: 0, b: 0 },
    uirevision,
    scene: {
      xaxis: axis(titles[0], { range: x }),
      yaxis: axis(titles[1], { range: y }),
      zaxis: axis(titles[2], ticks),
      aspectmode: "manual",
      aspectratio: { x: (1.1 * width) / longest, y: (1.1 * depth) / longest, z: height },
      camera,
    },
  });
}
