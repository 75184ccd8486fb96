// Package schema is Satchel's domain model: accounts, people, exports, their
// statuses and categories, links, object keys, the jobs, days and files of bulk
// exports, limits, and the errors that a caller can act on. It uses no database,
// no network and no clock.
package schema
