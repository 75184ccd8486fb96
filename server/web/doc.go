// Package web serves the pages: what mailed links lead to, sign-in, and Data Export and Bulk
// Export in Settings. They are plain HTML and work without JavaScript. Packages api and bulk
// do the work; a page shows its result and submits its forms.
//
// Start reading at routes.go. Every page is a template in templates/, rendered into
// layout.html together with shared parts (templates/parts/). Its data is a struct whose name
// ends in View.
//
// While an export is in progress, live.go streams the parts of the page that changed, and htmx
// swaps them in. static/htmx-*.js are htmx 2.0.11 and its SSE extension 2.2.4 as published,
// with their licences. static/site.js is ours: local times, copy buttons, and notices when the
// connection or session is lost. Bulk Export, where many things may change at once, polls its
// changing part instead (bulk_export.go and static/bulk.js) and gets 204 while nothing has
// changed.
package web
