package catalog

import (
	"strings"

	"satchel/schema"
)

// Note returns what the comment at the head of a category's file says, as one
// line: what its records are, and behind the first sentence what is left out
// of them and why. The page that customers ask for an export on shows it to
// them. It is "" for a file without such a comment, and panics for what is no
// category.
func (c *Catalog) Note(category schema.Category) string { return c.of(category).note }

// note is the comments on the lines before the query.
func (l *lint) note() string {
	var lines []string
	for line := 1; line < l.at(0).line; line++ {
		if said := l.comments[line]; said != "" {
			lines = append(lines, said)
		}
	}
	return strings.Join(lines, " ")
}
