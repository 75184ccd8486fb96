package web

import (
	"strings"

	"satchel/schema"
)

// content is what people are told of a category before they have its file.
type content struct {
	Category schema.Category
	Holds    string // a sentence
	LeftOut  string // what is not in it, and why
}

// contentsOf reads the notes of the catalog. Their first sentence says what
// there is, and the rest what there is not.
func contentsOf(note func(schema.Category) string) []content {
	list := make([]content, 0, len(schema.Categories))
	for _, c := range schema.Categories {
		holds, leftOut, more := strings.Cut(note(c), ". ")
		if more {
			holds += "."
		}
		list = append(list, content{c, holds, leftOut})
	}
	return list
}
