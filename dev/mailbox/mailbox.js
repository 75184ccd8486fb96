// Fetches the list of mails every second and replaces it when it has changed, unless
// it has the focus.
const list = document.querySelector('[data-list]')
let shown
async function refresh() {
  try {
    const response = await fetch(list.dataset.list + '&' + location.search.slice(1))
    const now = await response.text()
    if (now !== shown && !list.contains(document.activeElement)) list.innerHTML = shown = now
  } catch {
    // The mailbox is restarting.
  }
  setTimeout(refresh, 1000)
}
refresh()
