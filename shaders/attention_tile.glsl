layout(local_size_x = 128) in;
void main() {}
