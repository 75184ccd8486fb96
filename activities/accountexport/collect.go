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

// CollectCategory reads one category of the account and stores it as pieces. A
// retry continues after the last piece in the ledger; two attempts that run at the same
// time neither lose nor duplicate a record.
func (a *Activities) CollectCategory(ctx context.Context, in CollectCategoryInput) error {
	defer activities.Heartbeat(ctx)()
	return activities.ToApplicationError(ctx, a.collect(ctx, in))
}

func (a *Activities) collect(ctx context.Context, in CollectCategoryInput) error {
	var store collectStore = a.Store
	recipient, err := store.StartCollecting(ctx, in.Export)
	if err != nil {
		return err
	}
	checkpoint, err := store.Checkpoint(ctx, in.Export, in.Category)
	if err != nil || checkpoint.Done {
		return err
	}
	return activities.NotFoundAsNotVisible(a.Source.ReadCategory(ctx, in.Category, in.Account, checkpoint.LastKey, func(readAt time.Time, rows schema.RecordReader) error {
		expected, err := rows.Expected()
		if err != nil {
			return err
		}
		if err := store.BeginCategory(ctx, in.Export, in.Category, expected); err != nil {
			return err
		}
		w := newPieceWriter(a.Vault, store, a.Count, in, recipient, checkpoint, readAt)
		if err := w.write(ctx, rows); err != nil {
			return err
		}
		return store.FinishCategory(ctx, in.Export, in.Category, w.pieces, readAt)
	}))
}
