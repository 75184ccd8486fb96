package catalog

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
)

// Fingerprint returns a hash of all queries. Worker and server must have the same.
func (c *Catalog) Fingerprint() []byte {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(c.categories)) {
		fmt.Fprintf(h, "%q %q %q\n", name, c.categories[name].text, c.categories[name].note)
	}
	for _, name := range slices.Sorted(maps.Keys(c.days)) {
		fmt.Fprintf(h, "days %q %q\n", name, c.days[name].text)
	}
	for _, name := range slices.Sorted(maps.Keys(c.directory)) {
		fmt.Fprintf(h, "directory %q %q\n", name, c.directory[name].text)
	}
	fmt.Fprintf(h, "erase %q\n", c.erase)
	return h.Sum(nil)
}
