package store_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/schema/store"
)

// A host that dies leaves a transaction open that holds locks.
func TestTheServerEndsAnIdleTransaction(t *testing.T) {
	s, o := open(t), newExport()
	require.NoError(t, s.OpenExport(t.Context(), o))
	execAsOwner(t, s.DB, `create table public.seen (value text); grant all on public.seen to public;
		create function public.spy() returns trigger language plpgsql as $$
		begin insert into public.seen values (current_setting('idle_in_transaction_session_timeout')); return new; end $$;
		create trigger spy before update on satchel.exports for each row execute function public.spy()`)
	require.NoError(t, s.ConfirmExport(t.Context(), o.Export, o.RequestedBy, "r", []byte("w")))
	var value string
	require.NoError(t, s.SQL().QueryRow(`select value from public.seen`).Scan(&value))
	require.Equal(t, "30s", value)
	require.NoError(t, s.SQL().QueryRow(`select current_setting('idle_in_transaction_session_timeout')`).Scan(&value))
	require.Equal(t, "0", value, "and only within it")
}

func TestURLMustSayItsSSLMode(t *testing.T) {
	_, err := store.Open("postgres://someone:secret@localhost/satchel", 1)
	require.ErrorContains(t, err, "sslmode")
	require.NotContains(t, err.Error(), "secret")
}
