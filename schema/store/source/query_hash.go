package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"satchel/schema"
)

// CategoryHash identifies what a category's records look like and how they are ordered:
// the text of its query, and the types of its columns. Records that were read with
// another hash do not belong in the same array. Its errors are those of ReadCategory.
func (p *Platform) CategoryHash(ctx context.Context, c schema.Category) (string, error) {
	query := p.catalog.Query(c)
	plan, err := p.db.plan(ctx, query, 1)
	if err != nil {
		return "", unreadable("category "+string(c), err)
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%q %q %q", query, plan.keyType, plan.columns)
	return hex.EncodeToString(sum.Sum(nil)), nil
}
