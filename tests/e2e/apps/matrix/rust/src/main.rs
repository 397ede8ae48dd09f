//! The matrix's answers on axum (hyper, tokio).
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, Query};
use axum::http::{Response, StatusCode};
use axum::routing::{get, post};
use axum::Router;
use std::collections::HashMap;
use std::convert::Infallible;

fn respond(code: u16, item: Option<&str>, body: Vec<u8>) -> Response<Body> {
    let mut builder = Response::builder().status(StatusCode::from_u16(code).unwrap());
    if let Some(item) = item {
        builder = builder.header("X-Item", item);
    }
    builder.body(Body::from(body)).unwrap()
}

async fn item(Path(item): Path<String>, Query(query): Query<HashMap<String, String>>) -> Response<Body> {
    let code = query.get("status").map_or(200, |status| status.parse().unwrap());
    let body = if code == 204 || code == 304 { vec![] } else { item.clone().into_bytes() };
    respond(code, Some(&item), body)
}

async fn bytes(Path(count): Path<usize>) -> Response<Body> {
    respond(200, None, vec![b'x'; count])
}

async fn stream(Path(count): Path<usize>) -> Response<Body> {
    let pieces = (0..count).map(|_| Ok::<_, Infallible>(Bytes::from_static(&[b'y'; 1000])));
    Response::new(Body::from_stream(futures_util::stream::iter(pieces)))
}

async fn upload(Path(item): Path<String>, body: Bytes) -> Response<Body> {
    respond(200, Some(&item), body.len().to_string().into_bytes())
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let app = Router::new()
        .route("/item/{item}", get(item))
        .route("/bytes/{count}", get(bytes))
        .route("/stream/{count}", get(stream))
        .route("/upload/{item}", post(upload))
        .layer(DefaultBodyLimit::disable());
    let address = (arguments[1].as_str(), arguments[2].parse().unwrap());
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    println!("listening {}", listener.local_addr().unwrap().port());
    axum::serve(listener, app).await.unwrap();
}
