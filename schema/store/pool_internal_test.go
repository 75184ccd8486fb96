package store

import "github.com/jmoiron/sqlx"

// FromPool returns a DB with the connections of a test.
func FromPool(pool *sqlx.DB) *DB { return &DB{pool: pool} }
