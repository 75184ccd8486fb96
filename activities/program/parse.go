package program

import (
	"errors"
	"regexp"
	"strings"

	"github.com/alecthomas/kong"
)

var flagInError = regexp.MustCompile(`--([a-z][a-z0-9-]*)(=[^,\s]*)?`)

// Parse parses arguments and environment. Its errors name settings as the variables
// that people set, where kong's name flags.
func Parse(parser *kong.Kong, args []string) (*kong.Context, error) {
	command, err := parser.Parse(args)
	if err == nil {
		return command, nil
	}
	variables := make(map[string]string)
	visitErr := kong.Visit(parser.Model, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok && len(flag.Envs) > 0 {
			variables[flag.Name] = flag.Envs[0]
		}
		return next(nil)
	})
	text := flagInError.ReplaceAllStringFunc(err.Error(), func(flag string) string {
		if variable := variables[flagInError.FindStringSubmatch(flag)[1]]; variable != "" {
			return variable
		}
		return flag
	})
	return nil, errors.Join(errors.New(strings.Replace(text, "missing flags: ", "not set: ", 1)), visitErr)
}
