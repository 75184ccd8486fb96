package catalog

// checkStars refuses what returns columns nobody has named: a star, and a whole
// row under the name of its table.
func (l *lint) checkStars() {
	for i, t := range l.tokens {
		if t.is("*") && !l.multiplies(i) && !l.counts(i) {
			l.complain(t.line, "* names no columns: what it returns changes when nobody looks")
		}
	}
	rows, given := l.rows()
	for i, t := range l.tokens {
		if t.named() && rows[t.text] && !given[i] && !l.at(i-1).is(".") && !l.at(i+1).is(".", "(") && !l.at(i-1).word("as") {
			l.complain(t.line, "%q is a whole row: name the columns it is wanted for", t.text)
		}
	}
}

// multiplies tells whether the star at i stands between two operands.
func (l *lint) multiplies(i int) bool {
	before, after := l.at(i-1), l.at(i+1)
	left := before.is(")", "]") || before.operand() && !before.word("select", "distinct", "all", "on")
	right := after.is("(", "+", "-", "@", "~") || after.operand() && !after.word("from", "where", "as", "union", "except", "intersect")
	return left && right
}

// counts tells whether the star at i is that of count(*).
func (l *lint) counts(i int) bool {
	return l.at(i-2).word("count") && l.at(i-1).is("(") && l.at(i+1).is(")")
}

var (
	afterFrom = []string{
		"where", "group", "having", "window", "order", "limit", "offset", "fetch", "for", "union", "intersect", "except", "select",
	}
	afterRow = append([]string{
		"join", "left", "right", "full", "inner", "cross", "natural", "on", "using", "tablesample", "as",
	}, afterFrom...)
	withOwnFrom = []string{"extract", "substring", "trim", "overlay"} // functions: extract(year from …)
)

// bracket is how far the walk has come between one pair of brackets.
type bracket struct {
	function bool // a FROM in here is part of a function call
	inFrom   bool // a FROM clause is being read
	row      bool // a table comes next
	alias    bool // the name of what has just closed may come next
}

// rows finds the names under which whole rows can be had (tables, their
// aliases) and the tokens that give these names.
func (l *lint) rows() (rows map[string]bool, given map[int]bool) {
	rows, given = map[string]bool{}, map[int]bool{}
	give := func(i int) { rows[l.at(i).text], given[i] = true, true }
	open := []bracket{{}}
	for i := 0; i < len(l.tokens); i++ {
		t, here := l.at(i), &open[len(open)-1]
		alias := here.alias
		here.alias = false
		switch {
		case t.is("(", "["):
			inner := bracket{function: l.at(i - 1).word(withOwnFrom...)}
			if here.row && !l.at(i+1).word("select", "with") {
				inner.inFrom, inner.row = true, true // from (a join b …
			}
			here.alias, here.row = here.row || alias, false
			open = append(open, inner)
		case t.is(")", "]") && len(open) > 1:
			open = open[:len(open)-1]
		case t.word("from") && !here.function && !l.at(i-1).word("distinct"):
			here.inFrom, here.row = true, true
		case t.word("join"), t.is(",") && here.inFrom:
			here.row = true
		case t.word(afterFrom...):
			here.inFrom, here.row = false, false
		case t.word("as") && alias:
			here.alias = true
		case t.named() && alias && !t.word(afterRow...):
			give(i)
		case t.word("lateral", "only") && here.row:
		case t.named() && here.row:
			here.row = false
			for l.at(i+1).is(".") && l.at(i+2).named() {
				i += 2
			}
			give(i)
			here.alias = true
		case t.named() && l.at(i+1).word("as") && (l.at(i+2).is("(") || l.at(i+2).word("materialized", "not")):
			given[i] = true // with rows as (…, window rows as (…
		}
	}
	return rows, given
}
