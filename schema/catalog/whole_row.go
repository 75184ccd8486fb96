package catalog

// checkWholeRows rejects what returns columns that are not named: a star, and a
// table's name or alias used as a value.
func (l *lint) checkWholeRows() {
	for i, t := range l.tokens {
		if t.is("*") && !l.isMultiplication(i) && !l.isCountStar(i) {
			l.report(t.line, "* names no columns: what it returns changes with the table")
		}
	}
	rows, definitions := l.tableNames()
	for i, t := range l.tokens {
		if t.isName() && rows[t.text] && !definitions[i] && !l.at(i-1).is(".") && !l.at(i+1).is(".", "(") && !l.at(i-1).isWord("as") {
			l.report(t.line, "%q is a whole row: name the columns that are needed", t.text)
		}
	}
}

// isMultiplication reports whether the star at i is between two operands.
func (l *lint) isMultiplication(i int) bool {
	before, after := l.at(i-1), l.at(i+1)
	left := before.is(")", "]") || before.isOperand() && !before.isWord("select", "distinct", "all", "on")
	right := after.is("(", "+", "-", "@", "~") || after.isOperand() && !after.isWord("from", "where", "as", "union", "except", "intersect")
	return left && right
}

// isCountStar reports whether the star at i is that of count(*).
func (l *lint) isCountStar(i int) bool {
	return l.at(i-2).isWord("count") && l.at(i-1).is("(") && l.at(i+1).is(")")
}

var (
	afterFrom = []string{
		"where", "group", "having", "window", "order", "limit", "offset", "fetch", "for", "union", "intersect", "except", "select",
	}
	afterTable = append([]string{
		"join", "left", "right", "full", "inner", "cross", "natural", "on", "using", "tablesample", "as",
	}, afterFrom...)
	functionsWithFrom = []string{"extract", "substring", "trim", "overlay"} // extract(year from …)
)

// scope is the state of the walk within one pair of brackets.
type scope struct {
	function bool // a FROM in here belongs to a function call
	inFrom   bool // within a FROM clause
	table    bool // a table comes next
	alias    bool // an alias may come next
}

// tableNames returns the names that stand for whole rows (tables and their
// aliases), and the indexes of the tokens that define them.
func (l *lint) tableNames() (names map[string]bool, definitions map[int]bool) {
	names, definitions = map[string]bool{}, map[int]bool{}
	define := func(i int) { names[l.at(i).text], definitions[i] = true, true }
	open := []scope{{}}
	for i := 0; i < len(l.tokens); i++ {
		t, here := l.at(i), &open[len(open)-1]
		alias := here.alias
		here.alias = false
		switch {
		case t.is("(", "["):
			inner := scope{function: l.at(i - 1).isWord(functionsWithFrom...)}
			if here.table && !l.at(i+1).isWord("select", "with") {
				inner.inFrom, inner.table = true, true // from (a join b …
			}
			here.alias, here.table = here.table || alias, false
			open = append(open, inner)
		case t.is(")", "]") && len(open) > 1:
			open = open[:len(open)-1]
		case t.isWord("from") && !here.function && !l.at(i-1).isWord("distinct"):
			here.inFrom, here.table = true, true
		case t.isWord("join"), t.is(",") && here.inFrom:
			here.table = true
		case t.isWord(afterFrom...):
			here.inFrom, here.table = false, false
		case t.isWord("as") && alias:
			here.alias = true
		case t.isName() && alias && !t.isWord(afterTable...):
			define(i)
		case t.isWord("lateral", "only") && here.table:
		case t.isName() && here.table:
			here.table = false
			for l.at(i+1).is(".") && l.at(i+2).isName() {
				i += 2
			}
			define(i)
			here.alias = true
		case t.isName() && l.at(i+1).isWord("as") && (l.at(i+2).is("(") || l.at(i+2).isWord("materialized", "not")):
			definitions[i] = true // with rows as (…, window rows as (…
		}
	}
	return names, definitions
}
