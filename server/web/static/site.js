// Enhances the pages, which work without it: shows times in the reader's time zone, runs
// countdowns, adds copy buttons, announces changes to screen readers, and shows notices when
// the connection or the session is lost.
(() => {
  "use strict";

  const skew = Date.parse(document.body.dataset.now) - Date.now() || 0;
  const now = () => Date.now() + skew; // the server's time
  const all = (selector, within) => Array.from((within || document).querySelectorAll(selector));
  const title = document.title;

  // Times.

  const zoned = new Intl.DateTimeFormat("en-GB", {
    day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short",
  });

  function localise(within) {
    for (const time of all("time[data-local]", within)) {
      const at = new Date(time.dateTime);
      if (time.title || Number.isNaN(at.getTime())) continue;
      time.title = time.textContent;
      time.textContent = zoned.format(at).replaceAll(" ", "\u00a0").replace(",\u00a0", ", "); // at most one line break
    }
  }

  function span(milliseconds) {
    const s = Math.max(0, Math.floor(milliseconds / 1000));
    if (s >= 172800) return Math.floor(s / 86400) + " days " + (Math.floor(s / 3600) % 24) + " h";
    const h = Math.floor(s / 3600), m = Math.floor(s / 60) % 60;
    if (h > 0) return h.toLocaleString("en") + " h " + m + " min";
    return m > 0 ? m + " min " + (s % 60) + " s" : s + " s";
  }

  function setText(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  function tick() {
    for (const time of all("time[data-countdown]")) {
      const left = Date.parse(time.dateTime) - now();
      setText(time, span(left));
      if (left <= -1000 && time.dataset.then === "refresh") {
        delete time.dataset.then;
        refresh();
      }
    }
    for (const time of all("time[data-since]")) setText(time, span(now() - Date.parse(time.dateTime)));
  }

  // Copying.

  function showCopyButtons(within) {
    if (!navigator.clipboard) return;
    for (const button of all("button[data-copy]", within)) button.hidden = false;
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-copy]");
    if (!button) return;
    navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent).then(
      () => { button.textContent = "Copied"; announce("Copied."); },
      () => { button.textContent = "Please copy it by hand"; },
    );
  });

  // A form is submitted once, until the page is shown again.

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "yes";
    for (const button of all("button", form)) button.setAttribute("aria-disabled", "true");
  });

  addEventListener("pageshow", (event) => {
    for (const form of all("form[data-sent]")) {
      delete form.dataset.sent;
      for (const button of all("button", form)) button.removeAttribute("aria-disabled");
    }
    if (!event.persisted) return; // restored from the back/forward cache
    if (live()) refresh();
    else location.replace(location.href);
  });

  // Announcements to screen readers, and the title.

  function announce(text) {
    const announcer = document.getElementById("announcer");
    if (announcer && text) setText(announcer, text);
  }

  let announced = "";
  function announceState() {
    const state = all("[data-announce]").pop(); // the innermost is the most specific
    if (state && state.dataset.announce !== announced) {
      if (announced) announce(state.dataset.announce);
      announced = state.dataset.announce;
    }
    const titled = all("[data-title]").pop();
    if (titled) document.title = titled.dataset.title === "Data Export" ? title : titled.dataset.title + " · " + title;
  }

  function enhance(within) {
    localise(within);
    showCopyButtons(within);
    tick();
    announceState();
  }

  // The part of the page that changes, swapped in by htmx.

  const live = () => document.getElementById("live");
  const refresh = () => { if (live() && window.htmx) window.htmx.trigger(live(), "refresh"); };

  function show(id, visible) {
    const note = document.getElementById(id);
    if (note) note.hidden = !visible;
  }

  let offlineTimer;
  function connectionLost() {
    offlineTimer = offlineTimer || setTimeout(() => show("offline", true), 3000);
  }

  function connectionRestored() {
    clearTimeout(offlineTimer);
    offlineTimer = undefined;
    show("offline", false);
  }

  function signedOut() {
    connectionRestored();
    live().removeAttribute("sse-connect"); // stops reconnecting
    live().inert = true;
    show("signed-out", true);
  }

  let open = [], scrolled = [], flashes = [], focused = false, focusedID = "";
  document.addEventListener("htmx:beforeSwap", saveState);
  document.addEventListener("htmx:sseBeforeMessage", saveState);
  function saveState() {
    open = all("#live details[open]").map((details) => details.id);
    scrolled = all("#live .strip").map((strip) => [strip.id, strip.scrollLeft]);
    flashes = all("#live section > [data-flash]").map((note) => [note.parentElement.id, note]);
    focused = live() !== null && live().contains(document.activeElement);
    focusedID = focused ? document.activeElement.id : "";
  }

  function restoreState() {
    for (const id of open) {
      const details = document.getElementById(id);
      if (details) details.open = true;
    }
    for (const [id, left] of scrolled) {
      const strip = document.getElementById(id);
      if (strip) strip.scrollLeft = left;
    }
    // What was just done stays said until the page is left.
    for (const [id, note] of flashes) {
      const heading = document.querySelector("#" + CSS.escape(id) + " > h2");
      if (heading && !note.isConnected) heading.after(note);
    }
    enhance(document); // including out-of-band swaps
    if (!focused || document.activeElement !== document.body) return;
    const heading = document.getElementById("export-title"), before = focusedID && document.getElementById(focusedID);
    for (const element of [before, heading]) {
      if (element && document.activeElement === document.body) element.focus({ preventScroll: true });
    }
  }
  document.addEventListener("htmx:afterSwap", restoreState);
  document.addEventListener("htmx:sseMessage", restoreState);

  // The event stream. Browsers limit connections per host, so a hidden tab closes its stream
  // when another tab becomes visible, and catches up when it is visible again.

  let source;
  const tabs = new BroadcastChannel("data-export");
  tabs.onmessage = () => {
    if (!document.hidden || !live() || !source) return;
    live().removeAttribute("sse-connect");
    source.close();
  };

  function claimStream() {
    if (document.hidden) return;
    if (live()) tabs.postMessage("visible");
  }
  claimStream();

  document.addEventListener("visibilitychange", () => {
    claimStream();
    if (!document.hidden && live() && !live().inert) refresh();
  });

  document.addEventListener("htmx:sseOpen", (event) => {
    source = event.detail.source;
    connectionRestored();
  });

  document.addEventListener("htmx:sseError", (event) => {
    connectionLost();
    if (event.detail.source.readyState !== EventSource.CLOSED || !live()) return; // the browser reconnects
    live().removeAttribute("sse-connect");
    refresh(); // shows the reason, or reconnects
  });

  function retry() {
    connectionLost();
    setTimeout(refresh, 5000);
  }

  document.addEventListener("htmx:afterRequest", (event) => { if (event.detail.successful) connectionRestored(); });
  document.addEventListener("htmx:sendError", retry);
  document.addEventListener("htmx:responseError", (event) => {
    const status = event.detail.xhr.status;
    if (status === 401) signedOut();
    else if (status === 403) location.replace(event.detail.xhr.responseURL.replace(/\/live\b.*/, "")); // that page says why
    else retry();
  });

  // The message about the submitted form is shown once, not on every reload.
  if (location.search.startsWith("?done=")) history.replaceState(null, "", location.pathname + location.hash);

  // A person who signed in to get a file gets it, on the page that says what it is.
  const wanted = new URLSearchParams(location.search).get("download");
  if (wanted) {
    history.replaceState(null, "", location.pathname);
    const button = document.querySelector(`#export[data-export="${CSS.escape(wanted)}"] #download`);
    if (button) button.click();
  }

  enhance(document);
  const note = document.querySelector("#live .note[role]");
  if (note) setTimeout(() => announce(note.textContent.trim()), 500); // live regions do not announce their initial text
  setInterval(tick, 1000);
})();
