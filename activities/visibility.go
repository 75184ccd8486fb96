package activities

import (
	"context"
	"errors"
	"slices"

	"satchel/schema"
)

// Accounts reads accounts from the platform's database.
type Accounts interface {
	Account(ctx context.Context, id string) (schema.Account, error)
}

// Directory reads accounts and their users from the platform's database.
type Directory interface {
	Accounts
	People(ctx context.Context, account string) ([]schema.Person, error)
}

// VisibleAccount returns the account. Where the source database does not show it
// the error is retryable, since a replica may lag. Where the account cannot be read,
// however often it is tried, the error is not.
func VisibleAccount(ctx context.Context, from Accounts, id string) (schema.Account, error) {
	account, err := from.Account(ctx, id)
	return account, NotFoundAsNotVisible(finalAsUnreadable("account", err))
}

// NotFoundAsNotVisible makes NotFound of an account a retryable NotVisible.
func NotFoundAsNotVisible(err error) error {
	if schema.KindOf(err) == schema.NotFound {
		return NotVisible("The source database does not show the account.")
	}
	return err
}

// NotVisible is the retryable error for rows that the source database does not
// show yet.
func NotVisible(message string) error {
	return schema.Errorf(schema.Unavailable, schema.CodeNotSeen, "%s", message)
}

// IsNotVisible tells whether err is a NotVisible.
func IsNotVisible(err error) bool {
	known, ok := errors.AsType[*schema.Error](err)
	return ok && known.Code == schema.CodeNotSeen
}

// OwnersAndAdmins returns those who may export the account. That the source
// database shows none of them is retryable.
func OwnersAndAdmins(ctx context.Context, from Directory, account string) ([]schema.Person, error) {
	people, err := from.People(ctx, account)
	if err != nil {
		return nil, err
	}
	people = slices.DeleteFunc(slices.Clone(people), func(p schema.Person) bool { return !p.Role.MayExport() })
	if len(people) == 0 {
		return nil, NotVisible("The source database shows no owner or admin of the account.")
	}
	return people, nil
}
