// Draws a chart of the table beside it: the table is the data, for those who cannot see the chart too.
(() => {
  "use strict";
  const HEIGHT = 180;
  const HOUR = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
  const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" });
  const drawn = new Map();

  function points(table) {
    const times = [];
    const values = [];
    for (const row of table.tBodies[0].rows) {
      times.push(Date.parse(row.querySelector("time").dateTime) / 1000);
      values.push(Number(row.querySelector("data").value));
    }
    return [times, values];
  }

  function colours(figure) {
    const probe = figure.querySelector(".axes") ?? figure.parentElement.querySelector(".axes");
    return { line: getComputedStyle(figure).color, axis: getComputedStyle(probe ?? figure).color };
  }

  function draw(figure) {
    const table = document.getElementById(figure.dataset.chart);
    if (!table || !window.uPlot) return;
    drawn.get(figure)?.destroy();
    const { line, axis } = colours(figure);
    const unit = figure.dataset.unit ?? "";
    const bars = uPlot.paths.bars({ size: [0.7, 40], align: 1 });
    const axes = { stroke: axis, grid: { stroke: axis, width: 0.15 }, ticks: { stroke: axis, width: 0.3 } };
    const data = points(table);
    const step = data[0].length > 1 ? data[0][1] - data[0][0] : 3600;
    const clock = step < 86_400 ? HOUR : DAY; // in the reader's words and zone
    const plot = new uPlot(
      {
        width: Math.max(200, figure.clientWidth),
        height: HEIGHT,
        legend: { show: false },
        cursor: { drag: { x: false, y: false } },
        // A bar begins at its instant, so the last one needs room to its right.
        scales: { x: { range: (_, least, most) => [least, most + step] }, y: { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 1] } },
        series: [{}, { stroke: line, fill: line, paths: bars, points: { show: false }, width: 0 }],
        axes: [{ ...axes, values: (_, ticks) => ticks.map((each) => clock.format(each * 1000)) }, { ...axes, size: 76, values: (_, ticks) => ticks.map((each) => `${unit}${each}`) }],
      },
      data,
      figure,
    );
    drawn.set(figure, plot);
  }

  function drawAll() {
    for (const figure of [...drawn.keys()]) {
      if (!figure.isConnected) {
        drawn.get(figure).destroy();
        drawn.delete(figure);
      }
    }
    for (const figure of document.querySelectorAll("[data-chart]")) draw(figure);
  }

  document.addEventListener("DOMContentLoaded", drawAll);
  document.addEventListener("remit:theme", drawAll);
  document.addEventListener("htmx:after:swap", drawAll);
  let resizing = 0;
  window.addEventListener("resize", () => {
    clearTimeout(resizing);
    resizing = setTimeout(drawAll, 100);
  });
})();
