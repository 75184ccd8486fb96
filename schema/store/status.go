package store

import (
	"strings"

	"satchel/schema"
)

// Query text names statuses through these, never by a literal. A predicate of
// a partial index has to stand in the query text: with a bound parameter the
// planner cannot use the index. "in" uses an index where "not in" does not.
var (
	activeStatuses     = sqlList(filter(schema.Statuses, schema.Status.Cancellable)) // neither completed nor ended
	inProgressStatuses = sqlList([]schema.Status{schema.Confirmed, schema.Processing})
	endedStatuses      = sqlList(filter(schema.Statuses, schema.Status.Ended))
	unendedStatuses    = sqlList(filter(schema.Statuses, func(s schema.Status) bool { return !s.Ended() }))
)

// sqlList formats constants as the right side of "in".
func sqlList[T ~string](values []T) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = sqlText(v)
	}
	return "(" + strings.Join(quoted, ", ") + ")"
}

// sqlText formats a constant as a literal. It does not escape.
func sqlText[T ~string](value T) string { return "'" + string(value) + "'" }

func filter[T any](list []T, is func(T) bool) (matching []T) {
	for _, v := range list {
		if is(v) {
			matching = append(matching, v)
		}
	}
	return matching
}
