module.exports = ["Orders"];
