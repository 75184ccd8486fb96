package web

import (
	"strings"

	"satchel/schema"
)

// categoryNote describes a category before its file exists.
type categoryNote struct {
	Category schema.Category
	Included string // one sentence
	Excluded string // what is left out, and why
}

// parseCategoryNotes splits the notes of the catalog: the first sentence says what a category
// includes, the rest what is left out.
func parseCategoryNotes(note func(schema.Category) string) []categoryNote {
	list := make([]categoryNote, 0, len(schema.Categories))
	for _, c := range schema.Categories {
		included, excluded, more := strings.Cut(note(c), ". ")
		if more {
			included += "."
		}
		list = append(list, categoryNote{c, included, excluded})
	}
	return list
}
