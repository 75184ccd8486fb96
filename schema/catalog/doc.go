// Package catalog decides what leaves the building.
//
// Each category of the archive is one query in a file of its own. A query
// takes the account as $1, names every column it returns, and describes each
// in a comment behind it:
//
//	-- The account's labels. Left out: nothing.
//	select
//	    l.id as _key,
//	    l.title as "title", -- what the label says
//	    l.added_at as "addedAt" -- when it was added
//	from labels l
//	where l.account = $1
//
// The first column, _key, is unique within the account, never null and can be
// ordered: reading goes on behind it after an interruption. It is not written
// to the archive; all other columns are, under their names, in their order.
// A query neither orders nor limits its rows, that is for its reader to do.
//
// Beside the categories stand the queries of the days, with the one that erases
// a call (package days), and the questions of the directory, which return plain
// names (package directory).
//
// Every query passes a lint before it is used, whether it came with the program
// or from a company's own folder. The lint refuses a star or a whole row,
// because what they return changes when nobody looks; a name that looks like a
// secret; and everything that is not one plain SELECT. It guards against
// oversight. It is no defence against somebody who means harm and may write
// these files: give Satchel a database role that cannot read secrets.
//
// In this repository columns.golden lists every column that leaves, and
// excluded.txt every column of the platform's tables that does not, with the
// reason. A column that is in neither fails the build.
package catalog
