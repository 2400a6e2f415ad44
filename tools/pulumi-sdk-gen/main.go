// Generates the SDKs of a Pulumi package: `pulumi-sdk-gen SCHEMA FOLDER LANGUAGE...`, each into a folder of its own.
//
// The CLI does the same by `pulumi package gen-sdk`, but only with the newest language hosts.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/blang/semver"
	gogen "github.com/pulumi/pulumi/pkg/v3/codegen/go"
	"github.com/pulumi/pulumi/pkg/v3/codegen/nodejs"
	"github.com/pulumi/pulumi/pkg/v3/codegen/python"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
)

const tool = "pulumi-sdk-gen"

// alone loads no other package: the schema refers to none.
type alone struct{}

func (alone) LoadPackage(name string, _ *semver.Version) (*schema.Package, error) {
	return nil, fmt.Errorf("load package %s: the schema must not refer to another package", name)
}

func (a alone) LoadPackageV2(_ context.Context, d *schema.PackageDescriptor) (*schema.Package, error) {
	return a.LoadPackage(d.Name, nil)
}

func (a alone) LoadPackageReference(name string, _ *semver.Version) (schema.PackageReference, error) {
	_, err := a.LoadPackage(name, nil)
	return nil, err
}

func (a alone) LoadPackageReferenceV2(_ context.Context, d *schema.PackageDescriptor) (schema.PackageReference, error) {
	_, err := a.LoadPackage(d.Name, nil)
	return nil, err
}

func main() {
	if len(os.Args) < 4 {
		fail(fmt.Errorf("usage: %s SCHEMA FOLDER LANGUAGE..., languages are nodejs, python and go", tool))
	}
	for _, language := range os.Args[3:] {
		// Read for each language: generating one of them renames enum values in the package.
		files, err := generate(language, read(os.Args[1]))
		fail(err)
		for name, content := range files {
			path := filepath.Join(os.Args[2], language, name)
			fail(os.MkdirAll(filepath.Dir(path), 0o755))
			fail(os.WriteFile(path, content, 0o644))
		}
	}
}

func read(file string) *schema.Package {
	raw, err := os.ReadFile(file)
	fail(err)
	var spec schema.PackageSpec
	fail(json.Unmarshal(raw, &spec))
	pkg, problems, err := schema.BindSpec(spec, alone{}, schema.ValidationOptions{})
	fail(err)
	for _, problem := range problems {
		fmt.Fprintln(os.Stderr, problem.Error())
	}
	if problems.HasErrors() {
		os.Exit(1)
	}
	// As `pulumi package add` does: the SDK for Go then is a module of its own.
	pkg.SupportPack = true
	return pkg
}

func generate(language string, pkg *schema.Package) (map[string][]byte, error) {
	switch language {
	case "nodejs":
		// As for a folder of the user's own project: npm compiles it there.
		return nodejs.GeneratePackage(tool, pkg, nil, nil, true, alone{})
	case "python":
		return python.GeneratePackage(tool, pkg, nil, alone{})
	case "go":
		return gogen.GeneratePackage(tool, pkg, nil)
	}
	return nil, fmt.Errorf("generate %s: use nodejs, python or go", language)
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
