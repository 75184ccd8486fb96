// Package web is the pages: what the links in mails lead to, signing in, and
// Data Export and Bulk Export in Settings. They are plain HTML that works
// without JavaScript. What a page does, packages api and bulk do; a page only
// shows it and asks.
//
// Start reading at routes.go. Every page is a template in templates/, put into
// layout.html beside the parts that pages share (templates/parts/), and is told
// what it shows by a struct that ends in View.
//
// While an export moves, live.go sends the parts of the page that look
// different, and htmx puts them in their places. static/htmx-*.js are htmx
// 2.0.11 and its SSE extension 2.2.4 as they are published, licences beside
// them; static/site.js is ours: times in the reader's zone, copying, and what
// to say when the connection or the session is lost. Bulk Export, where much
// may move at once, asks for its part that moves instead (bulk_export.go and
// static/bulk.js), and hears nothing back while it looks the same.
package web
