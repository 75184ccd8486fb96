// Package catalog holds the queries of everything that is exported.
//
// Each category of the archive is one query in a file of its own. A query takes
// the account as $1, names every column that it returns, and describes each in a
// comment at the end of its line:
//
//	-- The account's labels. Left out: nothing.
//	select
//	    l.id as _key,
//	    l.title as "title", -- what the label says
//	    l.added_at as "addedAt" -- when it was added
//	from labels l
//	where l.account = $1
//
// The first column, _key, is unique within the account, never null and ordered:
// a read resumes after it when it was interrupted. It is not written to the
// archive. All other columns are, under their names and in their order. A query
// neither orders nor limits its rows; the reader does.
//
// Besides the categories there are the queries of a day's records and the
// statement that erases calls (package days), and the queries of the directory,
// whose columns have fixed names (package directory).
//
// Every query passes a lint before it is used, whether it is built in or comes
// from a company's own folder. The lint rejects a star and a whole row, because
// the columns that they return change with the table; a name that looks like a
// secret; and everything but one plain SELECT. It guards against mistakes. It is
// no defence against an attacker who can write these files: for that, give
// Satchel a database role that cannot read secrets.
//
// In this repository columns.golden lists every column that is exported, and
// excluded.txt every column of the platform's tables that is not, with the
// reason. A column that is in neither fails the build.
//
// A new category is its .sql file here, its name in schema.Categories, which
// holds the order in the archive, and its columns in columns.golden and
// excluded.txt.
package catalog
