module clew.test/matrix

go 1.22
