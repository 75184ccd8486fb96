package main

import (
	"context"

	"satchel/activities"
	"satchel/schema/catalog"
	"satchel/schema/store/source"
)

var (
	_ activities.Source     = (*source.Platform)(nil)
	_ activities.BulkSource = (*source.Platform)(nil)
	_ activities.Archive    = (*source.Archive)(nil)
)

// openArchive opens the archive of old calls. It is nil where no URL says where
// that is. A company whose catalog does not say how to delete from it has none.
func openArchive(url string, queries *catalog.Catalog, maxConns int) (archive activities.Archive, finish func(), err error) {
	switch {
	case queries.EraseCalls() == "":
		return noArchive{}, func() {}, nil
	case url == "":
		return nil, func() {}, nil
	}
	opened, err := source.OpenArchive(url, queries.EraseCalls(), maxConns)
	if err != nil {
		return nil, nil, err
	}
	return opened, func() { _ = opened.Close() }, nil // nothing is lost by it
}

// noArchive is that of a company that keeps no old calls elsewhere.
type noArchive struct{}

func (noArchive) EraseCalls(context.Context, string, []string) error { return nil }
