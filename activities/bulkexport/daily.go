package bulkexport

import (
	"context"
	"errors"

	"satchel/activities"
	"satchel/schema"
)

// RecordDailyResultInput is the input of RecordDailyResult.
type RecordDailyResultInput struct {
	Account string
	Type    schema.ResourceType
	Day     schema.Day
	Status  schema.DayStatus
}

// RecordDailyResult writes the one event of a daily export, and returns its ID, ""
// where the account has no webhook for the type, or has disabled the daily export
// meanwhile. Where the platform no longer
// shows the account it writes none; after a week its daily exports are disabled.
func (a *Activities) RecordDailyResult(ctx context.Context, in RecordDailyResultInput) (event string, err error) {
	gone, err := a.accountGone(ctx, in)
	if err != nil || gone {
		return "", activities.ToApplicationError(ctx, err)
	}
	configuration, err := a.Store.Configuration(ctx, in.Account, in.Type)
	if err != nil || configuration.URL == "" || !configuration.Enabled {
		return "", activities.ToApplicationError(ctx, err)
	}
	e := schema.Event{
		ID: eventID(in.Account + "/" + string(in.Type) + "/" + string(in.Day)), Account: in.Account,
		Type: in.Type, Day: in.Day, Hook: configuration.Hook,
	}
	e.Add(in.Status)
	return e.ID, activities.ToApplicationError(ctx, a.Store.OpenEvent(ctx, e))
}

// accountGone tells whether the platform does not show the account of a daily
// export that failed.
func (a *Activities) accountGone(ctx context.Context, in RecordDailyResultInput) (bool, error) {
	visible := true
	if in.Status == schema.DayFailed {
		_, err := a.Source.Account(ctx, in.Account)
		if visible = schema.KindOf(err) != schema.NotFound; visible && err != nil {
			return false, err
		}
	}
	goneFor, err := a.Store.RecordSourceVisible(ctx, in.Account, in.Type, visible)
	if err != nil || goneFor < schema.AccountGoneAfter {
		return !visible, err
	}
	logError(ctx, "daily export disabled", in.Account, errors.New("the source database has not shown the account for a week"))
	disabled := false
	if _, err := a.Store.Configure(ctx, in.Account, in.Type, activities.Satchel, schema.BulkChange{Enabled: &disabled}); err != nil {
		return true, err
	}
	return true, a.Schedules.SetDaily(ctx, in.Account, in.Type, false)
}
