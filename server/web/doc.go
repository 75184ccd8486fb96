// Package web is the pages: what the links in mails lead to, signing in, and
// Data Export in Settings. They are plain HTML that works without JavaScript.
// What a page does, package api does; a page only shows it and asks.
//
// Start reading at routes.go. Every page is a template in templates/, put into
// layout.html, and is told what it shows by a struct that ends in View.
package web
