// Package schema holds Satchel's words and the rules about them: accounts,
// people, exports, their statuses, the twelve categories, links, the jobs, days
// and files of bulk exports, and the errors a caller can act on. It knows no
// database, no network and no clock.
package schema
