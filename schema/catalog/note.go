package catalog

import (
	"strings"

	"satchel/schema"
)

// Note returns the comment at the head of a category's file as one line: what
// its records are, and after the first sentence what is left out of them and
// why. It is shown to customers on the page where they request an export. It is
// "" if the file has no such comment. Note panics for an unknown category.
func (c *Catalog) Note(category schema.Category) string { return c.category(category).note }

// note joins the comments on the lines before the query.
func (l *lint) note() string {
	var lines []string
	for line := 1; line < l.at(0).line; line++ {
		if comment := l.comments[line]; comment != "" {
			lines = append(lines, comment)
		}
	}
	return strings.Join(lines, " ")
}
