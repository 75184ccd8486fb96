package accountexport

import (
	"context"
	"time"

	"satchel/activities"
	"satchel/schema"
)

// CollectCategoryInput is the input of CollectCategory.
type CollectCategoryInput struct {
	Export   string
	Account  string
	Category schema.Category
}

// CollectCategory reads one category of the account and stores it as pieces. Run
// again it continues behind the last piece that the ledger counts; two attempts at
// the same time can neither lose a record nor double one.
func (a *Activities) CollectCategory(ctx context.Context, in CollectCategoryInput) error {
	defer activities.Heartbeat(ctx)()
	return activities.ToApplicationError(ctx, a.collect(ctx, in))
}

func (a *Activities) collect(ctx context.Context, in CollectCategoryInput) error {
	var store collectStore = a.Store
	recipient, err := store.Recipient(ctx, in.Export)
	if err != nil {
		return err
	}
	place, err := store.Place(ctx, in.Export, in.Category)
	if err != nil || place.Done {
		return err
	}
	return activities.NotFoundAsNotVisible(a.Source.ReadCategory(ctx, in.Category, in.Account, place.LastKey, func(readAt time.Time, rows schema.RecordReader) error {
		expected, err := rows.Expected()
		if err != nil {
			return err
		}
		if err := store.BeginCategory(ctx, in.Export, in.Category, expected); err != nil {
			return err
		}
		w := newPieceWriter(a.Vault, store, a.Count, in, recipient, place, readAt)
		if err := w.write(ctx, rows); err != nil {
			return err
		}
		return store.FinishCategory(ctx, in.Export, in.Category, w.pieces, readAt)
	}))
}
