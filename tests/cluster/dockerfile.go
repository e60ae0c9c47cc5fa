package main

// Reads the final stages of the project's Dockerfile, so that the images of the
// tests are what it describes. It knows what such a stage needs: FROM scratch,
// COPY --from of single files, USER, WORKDIR, ENV, EXPOSE, LABEL, ENTRYPOINT and
// CMD in JSON form. Anything else in the stage is refused, never skipped. Files
// that a COPY takes from the build stage are looked up by their last name in a
// folder of binaries that were built outside.

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

func imageOf(dockerfile, target, binaries string) (*image, error) {
	text, err := os.ReadFile(dockerfile)
	if err != nil {
		return nil, err
	}
	img := &image{}
	found, inStage := false, false
	for _, line := range logicalLines(string(text)) {
		verb, rest, _ := strings.Cut(line, " ")
		rest = strings.TrimSpace(rest)
		if strings.EqualFold(verb, "FROM") {
			words := strings.Fields(rest)
			inStage = len(words) == 3 && strings.EqualFold(words[1], "AS") && words[2] == target
			found = found || inStage
			if inStage && words[0] != "scratch" {
				return nil, fmt.Errorf("%s: stage %s is not FROM scratch", dockerfile, target)
			}
			continue
		}
		if !inStage {
			continue
		}
		if err := img.instruction(strings.ToUpper(verb), rest, binaries); err != nil {
			return nil, fmt.Errorf("%s: stage %s: %s: %w", dockerfile, target, line, err)
		}
	}
	if !found {
		return nil, fmt.Errorf("%s has no stage %q", dockerfile, target)
	}
	return img, nil
}

// logicalLines joins continued lines and leaves out comments and empty lines.
func logicalLines(text string) []string {
	var lines []string
	joined := ""
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") || line == "" {
			continue
		}
		if part, more := strings.CutSuffix(line, "\\"); more {
			joined += strings.TrimSpace(part) + " "
			continue
		}
		lines = append(lines, joined+line)
		joined = ""
	}
	return lines
}

func (i *image) instruction(verb, rest, binaries string) error {
	c := &i.config
	switch verb {
	case "USER":
		c.User = rest
	case "WORKDIR":
		c.WorkingDir = rest
	case "EXPOSE":
		if c.ExposedPorts == nil {
			c.ExposedPorts = map[string]struct{}{}
		}
		for _, port := range strings.Fields(rest) {
			if !strings.Contains(port, "/") {
				port += "/tcp"
			}
			c.ExposedPorts[port] = struct{}{}
		}
	case "ENTRYPOINT":
		return json.Unmarshal([]byte(rest), &c.Entrypoint)
	case "CMD":
		return json.Unmarshal([]byte(rest), &c.Cmd)
	case "ENV", "LABEL":
		pairs, err := pairs(rest)
		if err != nil {
			return err
		}
		for _, p := range pairs {
			if verb == "ENV" {
				c.Env = append(c.Env, p[0]+"="+p[1])
				continue
			}
			if c.Labels == nil {
				c.Labels = map[string]string{}
			}
			c.Labels[p[0]] = p[1]
		}
	case "COPY":
		return i.copy(strings.Fields(rest), binaries)
	default:
		return fmt.Errorf("%s is not known here", verb)
	}
	return nil
}

// copy takes `--from=STAGE [--chmod=MODE] FILE /DESTINATION`.
func (i *image) copy(words []string, binaries string) error {
	file := imageFile{mode: 0o755}
	fromStage := false
	for len(words) > 0 && strings.HasPrefix(words[0], "--") {
		option, value, _ := strings.Cut(words[0], "=")
		switch option {
		case "--from":
			fromStage = value != ""
		case "--chmod":
			mode, err := strconv.ParseInt(value, 8, 64)
			if err != nil {
				return err
			}
			file.mode = mode
		default:
			return fmt.Errorf("option %s is not known here", option)
		}
		words = words[1:]
	}
	if !fromStage || len(words) != 2 || !path.IsAbs(words[1]) || strings.HasSuffix(words[1], "/") {
		return fmt.Errorf("only COPY --from=STAGE FILE /DESTINATION is known here")
	}
	file.from, file.to = filepath.Join(binaries, path.Base(words[0])), path.Clean(words[1])
	i.files = append(i.files, file)
	return nil
}

// pairs reads KEY=VALUE and KEY="VALUE" one after another.
func pairs(text string) ([][2]string, error) {
	var found [][2]string
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		key, rest, ok := strings.Cut(text, "=")
		if !ok || strings.ContainsAny(key, " \"") {
			return nil, fmt.Errorf("%q is not KEY=VALUE", text)
		}
		value := ""
		if quoted, err := strconv.QuotedPrefix(rest); err == nil {
			if value, err = strconv.Unquote(quoted); err != nil {
				return nil, err
			}
			text = rest[len(quoted):]
		} else {
			value, text, _ = strings.Cut(rest, " ")
		}
		found = append(found, [2]string{key, value})
	}
	return found, nil
}
