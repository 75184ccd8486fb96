package schema_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// Programs branch on codes, so two meanings must not share one.
func TestEveryCodeHasItsOwnTextInSnakeCase(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "code.go", nil, 0)
	require.NoError(t, err)
	names := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		for i, name := range spec.Names {
			code, err := strconv.Unquote(spec.Values[i].(*ast.BasicLit).Value)
			require.NoError(t, err)
			require.Regexp(t, `^[a-z]+(_[a-z]+)*$`, code)
			require.Empty(t, names[code], "%s has it too", name.Name)
			names[code] = name.Name
		}
		return true
	})
	require.NotEmpty(t, names)
}
