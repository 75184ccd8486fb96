// Counts the days that the form requests while it is filled in, and polls the part of the page
// that changes while the page is visible. The page works without this file.
(() => {
  "use strict";

  const start = document.getElementById("start"), end = document.getElementById("end"), summary = document.getElementById("request-summary"), button = document.getElementById("ask-job");
  const newest = end.max, oldest = start.min, day = 86400000;
  const number = (n) => n.toLocaleString("en");
  const days = (n) => n === 1 ? "1 day" : number(n) + " days";

  // quotaView.Summary builds the same sentence.
  function summaryText(n, left, limit) {
    if (n < 1) return "Choose a first and a last day.";
    if (n > left) return "This requests " + days(n) + ", but only " + number(left) + " of today’s " + days(limit) + (left === 1 ? " is left." : " are left.");
    return "This requests " + days(n) + " and leaves " + number(left - n) + " of today’s " + days(limit) + ".";
  }

  // While no days are left, the summary says when the quota renews.
  function showSpent(limit) {
    if (summary.dataset.state === "spent") return;
    const renewal = document.querySelector("#quota time").cloneNode(true);
    summary.replaceChildren("All " + days(limit) + " of today’s quota are used. The quota renews on ", renewal, ".");
    summary.dataset.state = "spent";
  }

  function updateSummary() {
    const quota = document.getElementById("quota").dataset;
    const left = Number(quota.left), n = Math.round((end.valueAsNumber - start.valueAsNumber) / day) + 1 || 0;
    end.min = start.value || oldest;
    start.max = newest;
    button.disabled = left === 0;
    if (left === 0) return showSpent(Number(quota.limit));
    const text = summaryText(n, left, Number(quota.limit));
    if (summary.textContent !== text) summary.textContent = text;
    summary.dataset.state = n > left ? "over" : "";
  }
  for (const field of [start, end]) field.addEventListener("input", updateSummary);
  document.addEventListener("htmx:oobAfterSwap", updateSummary);
  addEventListener("pageshow", updateSummary); // the browser may have restored the fields

  function poll() {
    const live = document.getElementById("live");
    if (!document.hidden && !live.inert && window.htmx) window.htmx.trigger(live, "refresh");
    setTimeout(poll, Number(live.dataset.pollInterval));
  }
  setTimeout(poll, Number(document.getElementById("live").dataset.pollInterval));
})();
