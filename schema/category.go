package schema

import "slices"

// Category is one part of an account's data: a key under "data" in the archive,
// and the name of its query in the catalog.
type Category string

// Categories lists the categories in archive order.
var Categories = []Category{
	"account",
	"users",
	"contacts",
	"calls",
	"flows",
	"phoneNumbers",
	"voipProviders",
	"callSchedules",
	"campaigns",
	"charges",
	"balanceTransactions",
	"notifications",
}

// IsCategory reports whether name is the name of a category.
func IsCategory(name string) bool { return slices.Contains(Categories, Category(name)) }

// Title returns the category in words, in lower case: "phone numbers".
func (c Category) Title() string {
	var words []rune
	for _, r := range c {
		if r >= 'A' && r <= 'Z' {
			words = append(words, ' ')
			r += 'a' - 'A'
		}
		words = append(words, r)
	}
	if c == "voipProviders" {
		return "VoIP providers"
	}
	return string(words)
}
