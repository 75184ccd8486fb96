package activities

import (
	"context"
	"time"

	"satchel/schema"
)

// Collect is what CollectCategory is told.
type Collect struct {
	Export   string
	Account  string
	Category schema.Category
}

// CollectCategory reads one category of the account and writes it as pieces.
// Run again it goes on behind the last piece the ledger counts; two attempts
// alive at once can neither lose a record nor double one.
func (a *Activities) CollectCategory(ctx context.Context, in Collect) error {
	defer beat(ctx)()
	return verdict(ctx, a.collect(ctx, in))
}

func (a *Activities) collect(ctx context.Context, in Collect) error {
	recipient, err := a.Store.Recipient(ctx, in.Export)
	if err != nil {
		return err
	}
	place, err := a.Store.Place(ctx, in.Export, in.Category)
	if err != nil || place.Done {
		return err
	}
	return accountUnseen(a.Source.ReadCategory(ctx, in.Category, in.Account, place.LastKey, func(readAt time.Time, rows Rows) error {
		expected, err := rows.Expected()
		if err != nil {
			return err
		}
		if err := a.Store.BeginCategory(ctx, in.Export, in.Category, expected); err != nil {
			return err
		}
		w := newPieceWriter(a, in, recipient, place, readAt)
		if err := w.write(ctx, rows); err != nil {
			return err
		}
		return a.Store.FinishCategory(ctx, in.Export, in.Category, w.pieces, readAt)
	}))
}
