// Shows mail as it comes: asks for the list again and again, and puts it in
// place when it has changed, unless somebody is choosing from it. Without
// JavaScript, loading the page does it.
const list = document.querySelector('[data-list]')
let shown
async function look() {
  try {
    const answer = await fetch(list.dataset.list + '&' + location.search.slice(1))
    const now = await answer.text()
    if (now !== shown && !list.contains(document.activeElement)) list.innerHTML = shown = now
  } catch {
    // The mailbox is being started again.
  }
  setTimeout(look, 1000)
}
look()
